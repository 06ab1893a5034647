"""Everything that can go wrong, as one tree, so that each failure has one line, one hint and one exit code.

PyAgentError                     70
├── UsageError                    2   wrong arguments
│   └── TaskFileError             2   the task file, with every bad line named
├── BudgetExceeded                3   a hard limit was reached; run again with a larger one
├── ModelMissing                  4   no such model, or none meets a hard need
├── ApprovalsPending              5   only approvals are left, and nobody is watching
├── EngineUnreachable            69   nothing answers at that address
├── StoreError                   74   the disk is full, not writable, or the store is torn
├── Busy                         75   somebody else holds it; try later
│   └── RateLimited              75   the provider said so to the end
├── KeyRefused                   77   the key is missing or was refused
├── ConfigError                  78   a configuration file is wrong
│   ├── PluginError              78   a plugin cannot be loaded
│   └── StoreTooNew              78   the store was written by a newer version
├── EngineError                   1   one task's call failed; other tasks go on
│   ├── TransientError            1   worth another try (429, 5xx, a cut stream)
│   ├── ContextOverflow           1   the prompt does not fit the model
│   └── ReplyError                1   the reply cannot be used (not JSON, not the schema)
├── ToolError                     1   a tool refused or failed; the model is told
└── Interrupted             130/143   a signal, after a clean commit

Raised where the fact is known, shown once, in ``pyagent.__main__``.
"""

from __future__ import annotations

from collections.abc import Sequence


class PyAgentError(Exception):
    """The root. ``str(error)`` says what happened, ``hint`` what to do, each in one sentence."""

    exit_code = 70

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class UsageError(PyAgentError):
    exit_code = 2


class TaskFileError(UsageError):
    """The task file cannot be used; ``problems`` holds one ``file:line: what`` for each bad line shown."""

    def __init__(self, message: str, hint: str = "", problems: Sequence[str] = ()) -> None:
        super().__init__(message, hint)
        self.problems = tuple(problems)


class BudgetExceeded(PyAgentError):
    exit_code = 3


class ModelMissing(PyAgentError):
    exit_code = 4


class ApprovalsPending(PyAgentError):
    exit_code = 5


class EngineUnreachable(PyAgentError):
    exit_code = 69


class StoreError(PyAgentError):
    exit_code = 74


class Busy(PyAgentError):
    exit_code = 75


class RateLimited(Busy):
    pass


class KeyRefused(PyAgentError):
    exit_code = 77


class ConfigError(PyAgentError):
    exit_code = 78


class PluginError(ConfigError):
    pass


class StoreTooNew(ConfigError):
    pass


class EngineError(PyAgentError):
    """One task's call failed. ``charged``: the provider may have counted its tokens (a cut stream, a time-out)."""

    exit_code = 1

    def __init__(self, message: str, hint: str = "", charged: bool = False) -> None:
        super().__init__(message, hint)
        self.charged = charged


class TransientError(EngineError):
    """Worth another try. ``retry_after`` is the server's wish in seconds; ``limited`` means that it was 429."""

    def __init__(
        self,
        message: str,
        hint: str = "",
        retry_after: float | None = None,
        limited: bool = False,
        charged: bool = False,
    ) -> None:
        super().__init__(message, hint, charged)
        self.retry_after = retry_after
        self.limited = limited


class ContextOverflow(EngineError):
    pass


class ReplyError(EngineError):
    pass


class ToolError(PyAgentError):
    exit_code = 1


class Interrupted(PyAgentError):
    """Stopped by a signal after a clean commit; ``exit_code`` is 128 + the signal's number."""

    def __init__(self, message: str, hint: str = "", signal: int = 2) -> None:
        super().__init__(message, hint)
        self.exit_code = 128 + signal
