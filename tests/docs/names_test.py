"""Names in the documents are those of the sources, and the other way round; links lead somewhere."""

import re
import unittest

import documents

ROOT = documents.ROOT


def source(name):
    return (ROOT / name).read_text(encoding="utf-8")


def variables_of_sources():
    """SMELT_... as the programs' sources name them in strings, but for tests, macros and what only enters keys."""
    names = set()
    for path in (ROOT / "src").rglob("*"):
        if path.suffix in (".cc", ".h") and not path.stem.endswith("_test") and "/testing/" not in str(path):
            names |= set(re.findall(r'"(SMELT_[A-Z0-9_]+)[="]', path.read_text(encoding="utf-8")))
    return names - {"SMELT_LITERAL_ROOTS", "SMELT_"}


class Names(unittest.TestCase):
    def test_refusals(self):
        names = re.findall(r'\{Refusal::k\w+,\s*"(\w+)"', source("src/compilers/rustc/refusal.cc"))
        self.assertGreater(len(names), 20)
        self.assertEqual(documents.first_cells(ROOT / "docs/stats.md", "Refusals")[1:], names)

    def test_reasons_for_not_storing(self):
        table = re.search(r"kNotStoredReasons> kNames = \{(.*?)\};", source("src/action/observation.cc"), re.DOTALL)
        names = re.findall(r'"(\w+)"', table.group(1))
        self.assertGreater(len(names), 10)
        self.assertEqual(documents.first_cells(ROOT / "docs/stats.md", "Not stored")[1:], names)

    def test_counters(self):
        counted = set()
        for path in set((ROOT / "src/daemon").rglob("*.cc")) - set((ROOT / "src/daemon").rglob("*_test.cc")):
            counted |= set(re.findall(r'counters_?\.Add\("(\w+)"', path.read_text(encoding="utf-8")))
        self.assertGreater(len(counted), 10)
        documented = set(documents.first_cells(ROOT / "docs/stats.md", "Counters"))
        self.assertEqual(counted, documented - {"refusals", "not_stored"})

    def test_keys_and_their_variables(self):
        rows = re.findall(r'\{"([\w.]+)", "(\w+)", "(\w+)",\s+Set', source("src/config/config.cc"))
        self.assertTrue(rows)
        table = re.findall(r"^\| `([\w.]+)` \| `(\w+)` \|", source("docs/configuration.md"), re.MULTILINE)
        self.assertEqual(table, [(t + "." + k, v) for t, k, v in rows])

    def test_variables(self):
        mentioned = set(re.findall(r"\bSMELT_[A-Z0-9_]+\b", source("docs/configuration.md")))
        self.assertEqual(variables_of_sources() | {"SMELT_FUZZ_RUNS", "SMELT_FUZZ_SEED"}, mentioned)

    def test_layers(self):
        layers = dict(re.findall(r'^    "src/(\w+)": \(([^)]*)\)', source("tools/tidy/rules.py"), re.MULTILINE))
        stations = set(documents.first_cells(ROOT / "src/README.md", "Who may include whom"))
        missing = {s for s in layers if (ROOT / "src" / s).is_dir()} - stations
        self.assertEqual(missing, set())

    def test_names_of_files_in_documents(self):
        """Paths of this tree in backquotes exist."""
        for path in documents.all_markdown():
            for span in documents.code_spans(path):
                if re.fullmatch(r"(src|docs|tools|tests|third_party|protos)/[\w./-]+", span):
                    with self.subTest("%s: %s" % (documents.name_of(path), span)):
                        self.assertTrue((ROOT / span).exists())


class Functions(unittest.TestCase):
    def test_life_of_a_compile_names_what_there_is(self):
        code = "\n".join(p.read_text(encoding="utf-8") for p in (ROOT / "src").rglob("*.[hc]*") if p.is_file())
        names = [n for n in documents.code_spans(ROOT / "src/README.md") if re.fullmatch(r"(\w+::)*[A-Z]\w+", n)]
        self.assertGreater(len(names), 20)
        for name in names:
            with self.subTest(name):
                self.assertRegex(code, r"\b%s\b" % re.escape(name.split("::")[-1]))


class Form(unittest.TestCase):
    def test_kinds_of_blocks_are_known(self):
        for path in documents.documents():
            for block in documents.blocks_of(path):
                self.assertIn(block.kind, documents.KNOWN, "%s:%d" % (block.document, block.line))

    def test_links_lead_somewhere(self):
        for path in documents.all_markdown():
            for target in re.findall(r"\]\(([^)\s]+)\)", documents.prose_of(path)):
                if target.startswith("https://"):
                    continue
                file, _, anchor = target.partition("#")
                with self.subTest("%s: %s" % (documents.name_of(path), target)):
                    leads_to = (path.parent / file) if file else path
                    self.assertTrue(leads_to.exists())
                    if anchor:
                        self.assertIn(anchor, documents.anchors_of(leads_to))

    def test_lines_are_not_long(self):
        for path in documents.documents() + [ROOT / "src/README.md"]:
            for line in documents.prose_of(path).splitlines():
                if not line.startswith("|"):
                    self.assertLessEqual(len(line), 120, "%s: %s" % (documents.name_of(path), line))


if __name__ == "__main__":
    unittest.main()
