"""As much of C++ as tidy needs: where functions begin and end, without being misled by strings and comments. Pure."""

import re

_LITERAL = re.compile(
    r"""//[^\n]*|/\*.*?\*/|R"(?P<mark>[^()\s\\]*)\(.*?\)(?P=mark)\""""
    r"""|"(?:\\.|[^"\\\n])*"|(?<![0-9A-Fa-f])'(?:\\.|[^'\\\n])*'""",
    re.DOTALL,
)
_NOT_A_FUNCTION = re.compile(
    r"^(if|for|while|switch|else|do|catch|return|namespace|class|struct|enum|union|extern|case|default)\b"
)
_LAMBDA = re.compile(r"(?<!operator)\[[^\[\]]*\]\s*(\(|$|mutable)")
_PREPROCESSOR = re.compile(r"^[ \t]*#(?:[^\n\\]|\\.|\\\n)*", re.MULTILINE)


def _blank(match):
    return re.sub(r"[^\n]", " ", match.group(0))


def without_literals(text):
    """The text with strings, comments and preprocessor lines blanked; every line keeps its number."""
    return _PREPROCESSOR.sub(_blank, _LITERAL.sub(_blank, text))


def _opens_function(statement):
    """Whether the text between the last ';', '{' or '}' and a '{' is the head of a function with a body."""
    head = statement.strip()
    if "(" not in head or head.count("(") != head.count(")") or _NOT_A_FUNCTION.match(head) or _LAMBDA.search(head):
        return False
    return not re.search(r"[=,(]$", head)


def functions(text):
    """(first line's number, its text, lines) of each function that has a body. Lambdas belong to what holds them."""
    lines = text.split("\n")
    found = []
    open_blocks = []
    statement_at = 0
    code = without_literals(text)
    for at, character in enumerate(code):
        if character == "{":
            head = code[statement_at:at]
            begins = statement_at + len(head) - len(head.lstrip())
            open_blocks.append(begins if _opens_function(head) else None)
        elif character == "}" and open_blocks:
            begins = open_blocks.pop()
            if begins is not None:
                first = code.count("\n", 0, begins)
                found.append((first + 1, lines[first].strip(), code.count("\n", begins, at) + 1))
        if character in ";{}":
            statement_at = at + 1
    return sorted(found)
