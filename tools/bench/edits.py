"""One-line edits in the crate of the workload itself."""

import pathlib

_MARK = "// The bench's: edited line."


def module_text(functions):
    """A module with some code to compile, so that a crate is more than its main function."""
    text = ["#![allow(dead_code)]", "use std::collections::BTreeMap;"]
    for number in range(functions):
        text.append(
            "pub fn words_%d(text: &str) -> BTreeMap<String, usize> {\n"
            "    let mut words = BTreeMap::new();\n"
            "    for word in text.split(|c: char| !c.is_alphanumeric()).filter(|w| w.len() > %d) {\n"
            "        *words.entry(word.to_lowercase()).or_insert(%d) += 1;\n"
            "    }\n"
            "    words\n"
            "}" % (number, number % 7, number)
        )
    return "\n".join(text) + "\n"


def edited(text, number):
    """The source with its last line, which is ours, saying something else."""
    body = text.split(_MARK)[0].rstrip("\n")
    return "%s\n%s\n#[allow(dead_code)] pub fn bench_edit() -> u64 { %d }\n" % (body, _MARK, 1000 + number)


class EditedCrate:
    """The crate of a checkout with a generated module; as a context manager it puts the source back at the end."""

    def __init__(self, checkout, functions):
        source = checkout.directory / "src"
        self.root = next((source / name for name in ("main.rs", "lib.rs") if (source / name).is_file()), None)
        if self.root is None:
            raise FileNotFoundError("%s: neither src/main.rs nor src/lib.rs to edit" % checkout.directory)
        self.module = pathlib.Path(source / "bench_module.rs")
        self.functions = functions

    def __enter__(self):
        self.original = self.root.read_text(encoding="utf-8")
        self.module.write_text(module_text(self.functions), encoding="utf-8")
        self.root.write_text(self.original + "\nmod bench_module;\n", encoding="utf-8")
        return self

    def edit(self, number):
        self.root.write_text(edited(self.root.read_text(encoding="utf-8"), number), encoding="utf-8")

    def __exit__(self, *unused):
        self.root.write_text(self.original, encoding="utf-8")
        self.module.unlink()
