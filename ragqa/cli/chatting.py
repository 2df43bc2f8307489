"""The options of verbs that can use a chat model, and what they show of it on stderr."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING

import click

from ragqa.cli.shared import message

if TYPE_CHECKING:
    from ragqa.answer.writing import OnNothing
    from ragqa.generate.chat import ChatModel
    from ragqa.records import Statement

__all__ = ["Chat", "chat_options", "show_statement", "show_usage"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chat:
    """What a user says of chat models.

    :ivar name: ``PROVIDER:NAME``, or None or ``none``.
    :ivar max_cost: What it may cost in all, in USD; None for no limit.
    :ivar on_nothing: What a section holds where nothing that was written passes.
    :ivar nli: Name or folder of the entailment model that judges what it writes; None for none.
    :ivar timeout: Seconds to wait for its first token; None for the usual patience.
    """

    name: str | None
    max_cost: float | None
    on_nothing: OnNothing
    nli: str | None
    timeout: float | None

    def open(self) -> ChatModel | None:
        """Open the model, with replies kept in the user's cache.

        :return: The model, if one is named.
        :raises click.UsageError: There is a limit or a judge, and no model.
        """
        of_model = {
            "--max-cost": self.max_cost,
            "--model-timeout": self.timeout,
            "--nli": self.nli,
        }
        for option, value in of_model.items():
            if self.name is None and value is not None:
                raise click.UsageError(f"{option} goes with a --model")
        if self.name is None:
            return None
        from ragqa.api.chat import open_model

        return open_model(
            self.name, max_cost=self.max_cost, first_s=self.timeout, on_problem=message
        )


def chat_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add ``--model``, ``--model-timeout``, ``--max-cost``, ``--on-nothing`` and ``--nli``.

    :param command: A command with a parameter ``chat``, a `Chat`.
    :return: The command.
    """

    @wraps(command)
    def called(
        *,
        model: str | None,
        model_timeout: float | None,
        max_cost: float | None,
        on_nothing: OnNothing,
        nli: str | None,
        **options: object,
    ) -> None:
        chat = Chat(
            name=model, max_cost=max_cost, on_nothing=on_nothing, nli=nli, timeout=model_timeout
        )
        command(chat=chat, **options)

    nothing = click.option(
        "--on-nothing",
        type=click.Choice(["extractive", "abstain"]),
        default="extractive",
        show_default=True,
        help="Where nothing that the model writes passes the check: quote, or say nothing.",
    )(called)
    nothing = click.option(
        "--nli",
        metavar="NAME",
        help="A cross-encoder that judges entailment must agree, too: a folder or a hub name.",
    )(nothing)
    limit = click.option(
        "--max-cost",
        type=click.FloatRange(min=0),
        metavar="USD",
        help="No request that could cost more in all; needs RAGQA_PRICES.",
    )(nothing)
    timeout = click.option(
        "--model-timeout",
        type=click.FloatRange(min=0, min_open=True),
        metavar="SECONDS",
        help="To wait for the first word; a request is made four times at most.  [default: 120]",
    )(limit)
    return click.option(
        "--model",
        metavar="PROVIDER:NAME",
        help="A chat model writes; each statement is checked.  [default: quotes alone]",
    )(timeout)


def show_statement(statement: Statement) -> None:
    """Show a statement on stderr as soon as it has passed, where somebody looks on.

    :param statement: A checked statement.
    """
    if sys.stderr.isatty():
        text = "".join(char if char.isprintable() else " " for char in statement.text)
        message(f"  {text}")


def show_usage(model: ChatModel | None) -> None:
    """Say on stderr what a model used, and why it failed, where it did.

    :param model: The model, if there was one.
    """
    if model is None:
        return
    if model.last_error is not None:
        message(f"{model.last_error}")
    used = model.usage
    about = "about " if used.estimated else ""
    cost = "" if used.cost is None else f", {used.cost:.4f} USD"
    message(
        f"{model.name}: {used.requests} requests, {about}{used.input_tokens:,} tokens sent, "
        f"{used.output_tokens:,} written{cost}"
    )
