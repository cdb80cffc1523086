#!/usr/bin/env python3
"""Writes the expected texts of jinja-table.jsonl anew: what Jinja2 3.1 makes of each template in the sandbox of a chat template.

The first line holds the variables; each other line {"template": ..., "text": ...}, text null where Jinja raises an error.
To add a case, add a line with its template and run this script; it needs Python 3.11 or later and jinja2 3.1.
"""
import datetime
import json
import pathlib

import jinja2
from jinja2.ext import Extension, loopcontrols
from jinja2.sandbox import ImmutableSandboxedEnvironment

TABLE = pathlib.Path(__file__).parent.parent / "jinja-table.jsonl"


class Generation(Extension):
    """{% generation %}: its body is written as it is."""

    tags = {"generation"}

    def parse(self, parser):
        line = next(parser.stream).lineno
        body = parser.parse_statements(["name:endgeneration"], drop_needle=True)
        return jinja2.nodes.CallBlock(self.call_method("_write"), [], [], body).set_lineno(line)

    def _write(self, caller):
        return caller()


def raise_exception(message):
    raise jinja2.exceptions.TemplateError(message)


def tojson(value, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
    return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)


environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=[Generation, loopcontrols])
environment.filters["tojson"] = tojson
environment.globals["raise_exception"] = raise_exception
environment.globals["strftime_now"] = lambda layout: datetime.datetime.now().strftime(layout)


def render(template, variables):
    try:
        given = {"messages": [], "tools": None, "documents": None, "add_generation_prompt": False, **variables}
        return environment.from_string(template).render(**given)
    except Exception:
        return None


first, *rest = TABLE.read_text(encoding="ascii").rstrip("\n").split("\n")
variables = json.loads(first)["variables"]
lines = [first]
for line in rest:
    template = json.loads(line)["template"]
    lines.append(json.dumps({"template": template, "text": render(template, variables)}))
TABLE.write_text("\n".join(lines) + "\n", encoding="ascii")
