"""The documents of this repository, taken apart.

A fenced block's info string is a language and words that say what tests/docs does with it:

    sh            run by bash, in a small cargo project with smelt's programs on PATH (see Scratch in scratch.py).
                  Lines that call tools/... or bazel are not run: the tool must exist and know the options.
    console       each line after "$ " is run; what it prints must be what follows. "..." stands for any text in a line,
                  and alone on a line for any lines.
    gdb           commands after which gdb finds sources of dependencies
    toml          a configuration file of smelt that smeltd accepts
    toml bad      one that it does not; the block that follows, "error", is what it says, with config.toml as its name
    toml server   a configuration file of smelt-server that it accepts; "toml server bad" as above, with server.toml as
                  its name. tests/operation looks at both.
    toml cargo    a part of cargo's configuration, as `smelt init` writes it
    rust          Rust code; not compiled here

A block without a language is only shown.
"""

import collections
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[2]
TOML = {"toml", "toml bad", "toml cargo", "toml server", "toml server bad"}
KNOWN = TOML | {"", "sh", "console", "gdb", "error", "rust"}

Block = collections.namedtuple("Block", "document line kind text")


def documents():
    """README.md, CONTRIBUTING.md, ... and everything under docs/."""
    return sorted(ROOT.glob("*.md")) + sorted((ROOT / "docs").rglob("*.md"))


def all_markdown():
    """All of these, and those beside the sources."""
    beside = [p for folder in ("src", "tests", "tools", "third_party") for p in (ROOT / folder).rglob("*.md")]
    return documents() + sorted(beside)


def name_of(path):
    return str(path.relative_to(ROOT))


def blocks_of(path):
    """The fenced blocks of a document, in order."""
    found, opened = [], None
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if opened is None and line.startswith("```"):
            opened = (number, line[3:].strip(), [])
        elif opened is not None and line == "```":
            start, kind, lines = opened
            found.append(Block(name_of(path), start, kind, "".join(text + "\n" for text in lines)))
            opened = None
        elif opened is not None:
            opened[2].append(line)
    assert opened is None, "%s:%d: a block without an end" % (name_of(path), opened[0])
    return found


def all_blocks(*kinds):
    return [b for path in documents() for b in blocks_of(path) if b.kind in kinds]


def prose_of(path):
    """The text outside of fenced blocks."""
    return re.sub(r"^```.*?^```$", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)


def code_spans(path):
    return [re.sub(r"\s+", " ", span) for span in re.findall(r"`([^`]+)`", prose_of(path))]


def first_cells(path, heading):
    """The names in backquotes of the first column of the first table below a heading."""
    text = prose_of(path)
    section = text.split("\n## %s\n" % heading, 1)[1].split("\n## ", 1)[0]
    names = []
    for row in re.findall(r"^\| (`[^|]*) \|", section, re.MULTILINE):
        names += re.findall(r"`([^`]+)`", row)
    return names


def anchors_of(path):
    """Anchors of the headings, as forges make them."""
    headings = re.findall(r"^#+ (.*)$", prose_of(path), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
