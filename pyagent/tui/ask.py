"""Two questions that stop everything else: why something is rejected, and whether something grave is meant."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Input, Static


class AskReason(ModalScreen[str | None]):
    """One line of text; None when the person thinks better of it."""

    BINDINGS: ClassVar = [Binding("escape", "dismiss(None)", "Back")]

    def __init__(self, about: str) -> None:
        super().__init__()
        self._about = about

    def compose(self) -> ComposeResult:
        with Vertical(classes="ask"):
            yield Static(f"Reject: {self._about}", markup=False)
            yield Input(placeholder="why; the task fails with it", id="reason")
            yield Static("Enter rejects, Escape goes back", classes="hint")

    def on_input_submitted(self, event: Input.Submitted) -> None:
        if event.value.strip():
            self.dismiss(event.value.strip())


class Confirm(ModalScreen[bool]):
    """`y` means it, anything else does not."""

    BINDINGS: ClassVar = [
        Binding("y", "dismiss(True)", "Yes"),
        Binding("n,escape,enter", "dismiss(False)", "No"),
    ]

    def __init__(self, question: str, detail: str = "") -> None:
        super().__init__()
        self._question, self._detail = question, detail

    def compose(self) -> ComposeResult:
        with Vertical(classes="ask"):
            yield Static(self._question, markup=False, classes="question")
            with VerticalScroll():
                yield Static(self._detail, markup=False)
            yield Static("y: yes    n or Escape: no", classes="hint")
