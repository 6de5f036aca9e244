from .finding import Finding, Proposal
from .looking import Unread
from .proposing import propose
from .yaml_text import config_text

__all__ = ["Finding", "Proposal", "Unread", "config_text", "propose"]
