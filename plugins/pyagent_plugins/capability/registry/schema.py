"""The registry's tables, as numbered migrations: a history that took weeks to measure must open in every version."""

from __future__ import annotations

import sqlite3

from pyagent.store.schema import Migration


def m001_measurements(db: sqlite3.Connection) -> None:
    """Evidence first (item, result), then what was concluded from it (capability, op, alert), then its use (route)."""
    for statement in (
        """CREATE TABLE model(
            id INTEGER PRIMARY KEY, name TEXT NOT NULL, engine TEXT NOT NULL, weights TEXT NOT NULL,
            version TEXT NOT NULL, quant TEXT NOT NULL, context INTEGER, declared TEXT NOT NULL,
            first REAL NOT NULL)""",
        # coalesce: SQL takes two NULLs for different, and a model whose context nobody knows must stay one row.
        """CREATE UNIQUE INDEX model_identity
            ON model(name, engine, weights, version, quant, coalesce(context, -1))""",
        """CREATE TABLE price(
            id INTEGER PRIMARY KEY, model TEXT NOT NULL, input REAL, output REAL, valid_from REAL NOT NULL,
            source TEXT NOT NULL, at REAL NOT NULL)""",
        "CREATE INDEX price_model ON price(model, valid_from)",
        "CREATE TABLE suite(name TEXT PRIMARY KEY, first REAL NOT NULL) WITHOUT ROWID",
        # seed is text: 64 bits of a digest do not fit SQLite's signed integer.
        """CREATE TABLE item(
            seq INTEGER PRIMARY KEY, id TEXT NOT NULL, dim TEXT NOT NULL, level INTEGER NOT NULL, kind TEXT NOT NULL,
            generator TEXT NOT NULL, version TEXT NOT NULL, seed TEXT NOT NULL, cluster TEXT NOT NULL,
            sha TEXT NOT NULL)""",
        # A generator that changed gives the same id another sha: another item.
        "CREATE UNIQUE INDEX item_identity ON item(id, sha)",
        """CREATE TABLE run(
            id INTEGER PRIMARY KEY, week TEXT NOT NULL, model INTEGER NOT NULL REFERENCES model(id),
            suite TEXT NOT NULL REFERENCES suite(name), status TEXT NOT NULL, reason TEXT NOT NULL,
            started REAL NOT NULL, finished REAL)""",
        "CREATE UNIQUE INDEX run_key ON run(week, model, suite)",
        "CREATE TABLE asked(run INTEGER NOT NULL, item INTEGER NOT NULL, PRIMARY KEY(run, item)) WITHOUT ROWID",
        """CREATE TABLE result(
            run INTEGER NOT NULL, item INTEGER NOT NULL, solved REAL NOT NULL, complied INTEGER NOT NULL,
            said TEXT NOT NULL, seconds REAL NOT NULL, ttft REAL, input_tokens INTEGER NOT NULL,
            output_tokens INTEGER NOT NULL, cost_usd REAL, answer_sha TEXT NOT NULL, error TEXT, at REAL NOT NULL,
            PRIMARY KEY(run, item)) WITHOUT ROWID""",
        """CREATE TABLE capability(
            run INTEGER NOT NULL, dim TEXT NOT NULL, n INTEGER NOT NULL, solved REAL NOT NULL, low REAL NOT NULL,
            high REAL NOT NULL, complied REAL NOT NULL, theta REAL, theta_se REAL, applicable INTEGER NOT NULL,
            PRIMARY KEY(run, dim)) WITHOUT ROWID""",
        """CREATE TABLE op(
            run INTEGER NOT NULL, name TEXT NOT NULL, value REAL NOT NULL, PRIMARY KEY(run, name)) WITHOUT ROWID""",
        "CREATE TABLE accepted(id INTEGER PRIMARY KEY, model TEXT NOT NULL, week TEXT NOT NULL, at REAL NOT NULL)",
        "CREATE INDEX accepted_model ON accepted(model)",
        """CREATE TABLE alert(
            id INTEGER PRIMARY KEY, model TEXT NOT NULL, week TEXT NOT NULL, kind TEXT NOT NULL, dim TEXT NOT NULL,
            severity TEXT NOT NULL, message TEXT NOT NULL, delta REAL, p REAL, q REAL, log_e REAL, cusum REAL,
            at REAL NOT NULL, seen REAL)""",
        "CREATE UNIQUE INDEX alert_key ON alert(model, week, kind, dim)",
        """CREATE TABLE route(
            id INTEGER PRIMARY KEY, at REAL NOT NULL, needs TEXT NOT NULL, candidates TEXT NOT NULL,
            chosen TEXT NOT NULL, p REAL NOT NULL, bound REAL NOT NULL, cost REAL, propensity REAL NOT NULL,
            good REAL, judged REAL)""",
    ):
        db.execute(statement)


MIGRATIONS: tuple[Migration, ...] = (m001_measurements,)
