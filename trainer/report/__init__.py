"""Reports: one self-contained page of an evaluation, or of several side by side."""

from __future__ import annotations

from trainer.report.page import render, write
from trainer.report.subject import Clip, Subject

__all__ = ["Clip", "Subject", "render", "write"]
