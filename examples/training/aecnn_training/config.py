"""Configurations: TOML files read into dataclasses, with every key checked.

A section `[data]` becomes the dataclass that the caller names for it, a list of tables `[[point]]`
a list of them. In strings, `{data}` stands for the folder given on the command line; a relative
path (a field of type `Path`) is relative to the folder of the configuration file.
"""

from __future__ import annotations

import dataclasses
import difflib
import tomllib
import types
import typing
from pathlib import Path
from typing import Any, Mapping


class ConfigurationError(ValueError):
    """A configuration that cannot be used; the message names file, key, what was found and
    expected."""


@dataclasses.dataclass(frozen=True)
class Many:
    """Marks a section as a list of tables (`[[name]]`), at least `least` of them."""

    section: type
    least: int = 0


def read(
    path: Path, sections: Mapping[str, type | Many], data: Path | None = None
) -> dict[str, Any]:
    """Read a configuration.

    sections: name of each section and the dataclass that it fills, or `Many(dataclass)`. A section
    that the file leaves out is made of its defaults if it has them for all its fields.
    data: what replaces `{data}` in strings.
    Raises ConfigurationError for an unreadable file, an unknown or missing section or key, or a
    value of another type; errors that a dataclass's `__post_init__` raises as ValueError gain file
    and section.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path}: cannot be read: {error}") from error
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"{path}: not a TOML file: {error}") from error
    _refuse_unknown(path, "", tables, sections)
    reader = _Reader(path, data)
    result: dict[str, Any] = {}
    for name, section in sections.items():
        if isinstance(section, Many):
            result[name] = reader.many(name, tables.get(name, []), section)
        else:
            result[name] = reader.section(name, tables.get(name, {}), section)
    return result


def _refuse_unknown(
    path: Path, prefix: str, found: Mapping[str, Any], known: Mapping[str, Any]
) -> None:
    for key in found:
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1)
            hint = f"; did you mean '{near[0]}'?" if near else f"; known are {', '.join(known)}"
            raise ConfigurationError(f"{path}: unknown key '{prefix}{key}'{hint}")


@dataclasses.dataclass(frozen=True)
class _Reader:
    path: Path
    data: Path | None

    def many(self, name: str, tables: Any, wanted: Many) -> list[Any]:
        if not isinstance(tables, list):
            raise ConfigurationError(
                f"{self.path}: '{name}': expected a list of tables [[{name}]], "
                f"found {_kind(tables)}"
            )
        if len(tables) < wanted.least:
            raise ConfigurationError(
                f"{self.path}: '{name}': expected at least {wanted.least} tables "
                f"[[{name}]], found {len(tables)}"
            )
        return [
            self.section(f"{name}[{i}]", table, wanted.section) for i, table in enumerate(tables)
        ]

    def section(self, name: str, table: Any, section: type) -> Any:
        if not isinstance(table, dict):
            raise ConfigurationError(
                f"{self.path}: '{name}': expected a table, found {_kind(table)}"
            )
        hints = typing.get_type_hints(section)
        fields = {field.name: field for field in dataclasses.fields(section) if field.init}
        _refuse_unknown(self.path, f"{name}.", table, fields)
        values: dict[str, Any] = {}
        for key, field in fields.items():
            if key in table:
                values[key] = self.value(f"{name}.{key}", table[key], hints[key])
            elif (
                field.default is dataclasses.MISSING
                and field.default_factory is dataclasses.MISSING
            ):
                raise ConfigurationError(
                    f"{self.path}: '{name}.{key}' is missing; " f"expected {_describe(hints[key])}"
                )
        try:
            return section(**values)
        except ConfigurationError:
            raise
        except ValueError as error:
            raise ConfigurationError(f"{self.path}: '{name}': {error}") from error

    def value(self, key: str, value: Any, hint: Any) -> Any:
        origin = typing.get_origin(hint)
        if origin in (types.UnionType, typing.Union):
            choices = [choice for choice in typing.get_args(hint) if choice is not type(None)]
            for choice in choices[:-1]:
                try:
                    return self.value(key, value, choice)
                except ConfigurationError:
                    continue
            return self.value(key, value, choices[-1])
        if origin is list or origin is tuple:
            if not isinstance(value, list):
                raise self._wrong(key, value, hint)
            inner = typing.get_args(hint)
            if origin is tuple and not (len(inner) == 2 and inner[1] is Ellipsis):
                if len(value) != len(inner):
                    raise ConfigurationError(
                        f"{self.path}: '{key}': expected {len(inner)} values, "
                        f"found {len(value)}"
                    )
                return tuple(
                    self.value(f"{key}[{i}]", item, kind)
                    for i, (item, kind) in enumerate(zip(value, inner))
                )
            return origin(self.value(f"{key}[{i}]", item, inner[0]) for i, item in enumerate(value))
        if origin is typing.Literal:
            if value not in typing.get_args(hint):
                raise self._wrong(key, value, hint)
            return value
        if hint is Path or hint is str:
            if not isinstance(value, str):
                raise self._wrong(key, value, hint)
            text = self._expand(key, value)
            if hint is str:
                return text
            # Joining keeps a path that is absolute already.
            return self.path.parent / text
        if hint is float and isinstance(value, int) and not isinstance(value, bool):
            return float(value)
        # bool is a kind of int in Python, not in a configuration.
        if not isinstance(value, hint) or (isinstance(value, bool) and hint is not bool):
            raise self._wrong(key, value, hint)
        return value

    def _expand(self, key: str, text: str) -> str:
        if "{data}" not in text:
            return text
        if self.data is None:
            raise ConfigurationError(f"{self.path}: '{key}' is '{text}': {{data}} needs --data DIR")
        return text.replace("{data}", str(self.data.resolve()))

    def _wrong(self, key: str, value: Any, hint: Any) -> ConfigurationError:
        return ConfigurationError(
            f"{self.path}: '{key}': expected {_describe(hint)}, " f"found {_kind(value)} {value!r}"
        )


def _describe(hint: Any) -> str:
    names = {
        str: "a string",
        int: "an integer",
        float: "a number",
        bool: "true or false",
        Path: "a path",
    }
    origin = typing.get_origin(hint)
    if hint in names:
        return names[hint]
    if origin is typing.Literal:
        return "one of " + ", ".join(repr(choice) for choice in typing.get_args(hint))
    if origin in (list, tuple):
        return "a list of " + ", ".join(
            _describe(inner) for inner in typing.get_args(hint) if inner is not Ellipsis
        )
    if origin in (types.UnionType, typing.Union):
        return " or ".join(
            _describe(inner) for inner in typing.get_args(hint) if inner is not type(None)
        )
    return str(hint)


def _kind(value: Any) -> str:
    for kind, name in (
        (bool, "a boolean"),
        (str, "a string"),
        (int, "an integer"),
        (float, "a number"),
        (list, "a list"),
        (dict, "a table"),
    ):
        if isinstance(value, kind):
            return name
    return type(value).__name__
