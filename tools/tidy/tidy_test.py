"""Tests of tidy.py, rules.py and cc_source.py."""

import pathlib
import tempfile
import unittest
from unittest import mock

import cc_source
import rules
import tidy


def offences(path, text, testonly=()):
    return ["%d: %s" % offence for offence in tidy.check_file(path, text, testonly)]


class TextTest(unittest.TestCase):
    def test_clean_text_has_no_offence(self):
        self.assertEqual(offences("src/base/a.cc", "int a;\n"), [])

    def test_what_a_formatter_does_not_see(self):
        self.assertEqual(offences("README.md", "a \n"), ["1: space at the end of the line"])
        self.assertEqual(offences("README.md", "a\tb\n"), ["1: tab"])
        self.assertEqual(offences("tests/a.go", "\tb()\n"), [])
        self.assertEqual(offences("README.md", "a\x1bb\n"), ["1: control character"])
        self.assertEqual(offences("README.md", "a"), ["1: no newline at the end of the file"])

    def test_notes_and_machine_paths(self):
        self.assertEqual(offences("a.md", "// TO" + "DO: x\n"), ["1: a note to do something later"])
        self.assertEqual(offences("a.md", "see /work/" + "main/src\n"), ["1: a path of one machine"])
        self.assertEqual(offences("a.md", "todos and /workshop/main\n"), [])

    def test_long_lines_are_for_prose_only(self):
        long = "x" * (rules.LINE_LENGTH + 1) + "\n"
        self.assertEqual(offences("README.md", long), [])
        self.assertEqual(offences("tools/a.py", "#" + long), ["1: 122 characters, more than 120"])


class NamesTest(unittest.TestCase):
    def test_words_of_all_cases(self):
        self.assertEqual(tidy.words_of("HTTPServer_of-MyUtil2"), ["http", "server", "of", "my", "util", "2"])

    def test_files_and_types(self):
        self.assertEqual(len(offences("src/base/file_util.cc", "")), 1)
        self.assertEqual(len(offences("src/base/a.cc", "class StoreManager {};\n")), 1)
        self.assertEqual(offences("src/base/utilisation.cc", "class Utilisation {};\n"), [])


class GuardTest(unittest.TestCase):
    def test_the_guard_is_the_path(self):
        self.assertEqual(tidy.guard_of("src/store/local/local_store.h"), "SMELT_STORE_LOCAL_LOCAL_STORE_H_")
        self.assertEqual(tidy.guard_of("tests/faults/disk.h"), "SMELT_TESTS_FAULTS_DISK_H_")

    def test_another_guard_is_an_offence(self):
        right = "#ifndef SMELT_BASE_A_H_\n#define SMELT_BASE_A_H_\n#endif  // SMELT_BASE_A_H_\n"
        self.assertEqual(offences("src/base/a.h", right), [])
        self.assertEqual(len(offences("src/base/b.h", right)), 1)


class LayersTest(unittest.TestCase):
    def include(self, path, header, testonly=()):
        quoted = '"%s"' % header if header.startswith("src/") else "<%s>" % header
        return offences(path, "#include %s\n" % quoted, testonly)

    def test_upwards_is_an_offence_and_downwards_is_not(self):
        self.assertEqual(self.include("src/daemon/a.cc", "src/store/blob_store.h"), [])
        wrong = ["1: src/store may not include src/daemon/a.h"]
        self.assertEqual(self.include("src/store/local/a.cc", "src/daemon/a.h"), wrong)

    def test_a_test_may_include_what_it_likes_of_ours(self):
        self.assertEqual(self.include("src/store/a_test.cc", "src/testing/fake_clock.h"), [])
        self.assertEqual(self.include("src/store/contract.cc", "src/testing/a.h", {"src/store/contract.cc"}), [])
        self.assertNotEqual(self.include("src/store/contract.cc", "src/testing/a.h"), [])

    def test_the_wrapper_is_held_to_single_headers(self):
        self.assertEqual(self.include("src/wrapper/a.cc", "src/base/unique_fd.h"), [])
        self.assertEqual(self.include("src/wire/a.cc", "src/base/unique_fd.h"), [])
        self.assertNotEqual(self.include("src/wrapper/a.cc", "src/base/clock.h"), [])
        self.assertNotEqual(self.include("src/wire/a.cc", "src/base/clock.h"), [])

    def test_a_third_party_has_its_place(self):
        self.assertEqual(self.include("src/digest/hasher.cc", "openssl/sha.h"), [])
        expected = "1: BoringSSL is for src/digest/, src/auth/ only"
        self.assertEqual(self.include("src/store/a.cc", "openssl/sha.h"), [expected])
        self.assertNotEqual(self.include("src/store/a_test.cc", "rocksdb/db.h"), [])
        self.assertNotEqual(self.include("src/wrapper/a.cc", "absl/status/status.h"), [])
        self.assertNotEqual(self.include("src/wrapper/a_test.cc", "grpcpp/grpcpp.h"), [])

    def test_other_repositories_have_their_place(self):
        label = 'a = ["@platforms//:incompatible"],\n'
        self.assertEqual(len(offences("src/cmd/BUILD.bazel", label)), 1)
        self.assertEqual(offences("third_party/BUILD.bazel", label), [])
        self.assertEqual(offences("src/cmd/BUILD.bazel", "# " + label), [])

    def test_the_compilers_are_pure(self):
        self.assertEqual(len(self.include("src/compilers/rustc/parse.cc", "sys/stat.h")), 1)
        self.assertEqual(self.include("src/compilers/rustc/parse_test.cc", "fstream"), [])

    def test_testonly_targets_of_a_build_file(self):
        text = 'x(\n    name = "a",\n    srcs = ["a.cc"],\n)\n\nx(\n    testonly = True,\n    hdrs = ["b.h"],\n)\n'
        self.assertEqual(tidy.testonly_files(text), {"b.h"})


class SizesTest(unittest.TestCase):
    def function(self, lines):
        return "int F(int a,\n      int b) {\n" + "  a++;\n" * (lines - 3) + "}\n"

    def test_a_function_at_the_limit_and_above(self):
        self.assertEqual(offences("src/base/a.cc", self.function(70)), [])
        self.assertEqual(offences("src/base/a.cc", self.function(71)), ["1: a function of 71 lines, more than 70"])

    def test_python_functions_count_too(self):
        self.assertEqual(len(offences("tools/a.py", "def f():\n" + "    pass\n" * 70)), 1)

    def test_a_file_above_the_limit(self):
        self.assertEqual(offences("src/base/a.cc", "int a;\n" * 501), ["1: 501 lines, more than 500"])

    def test_a_waiver_that_is_not_needed_any_more_is_an_offence(self):
        with tempfile.TemporaryDirectory() as root, mock.patch.object(rules, "LONGER", {"a.cc:int F(int a,": 80}):
            (pathlib.Path(root) / "a.cc").write_text(self.function(80))
            self.assertEqual(list(tidy.check_waivers(root)), [])
            (pathlib.Path(root) / "a.cc").write_text(self.function(75))
            self.assertEqual(len(list(tidy.check_waivers(root))), 1)


class FunctionsTest(unittest.TestCase):
    def names(self, text):
        return [first for _, first, _ in cc_source.functions(text)]

    def test_blocks_inside_belong_to_their_function(self):
        text = "void F() {\n  if (a) {\n  }\n  for (;;) {\n  }\n  Do([&](int x) {\n  });\n}\n"
        self.assertEqual(cc_source.functions(text), [(1, "void F() {", 8)])

    def test_types_namespaces_and_tables_are_none(self):
        text = "namespace a {\nstruct B {\n  int c = D({1, 2});\n};\nconst E e[] = {{F(1)}};\n}\n"
        self.assertEqual(self.names(text), [])

    def test_methods_and_subscripts_are(self):
        text = "class A {\n  int operator[](int i) const {\n    return i;\n  }\n};\n"
        self.assertEqual(self.names(text), ["int operator[](int i) const {"])

    def test_braces_in_literals_and_comments_do_not_count(self):
        text = 'void F() {\n  G("{", \'{\', R"x({ " {)x");  // {\n  /* { */\n}\nvoid H() {\n}\n'
        self.assertEqual(cc_source.functions(text), [(1, "void F() {", 4), (5, "void H() {", 2)])

    def test_digit_separators_are_no_characters(self):
        self.assertEqual(self.names("void F() {\n  G(1'000'000);\n}\nvoid H() {\n}\n"), ["void F() {", "void H() {"])


if __name__ == "__main__":
    unittest.main()
