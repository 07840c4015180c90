// Runs a fuzzer as an ordinary test, under any compiler: feeds LLVMFuzzerTestOneInput the corpus, then seeded mutations
// of it. The corpus is the files given as arguments, else what the test's package holds among Bazel's runfiles (the
// `corpus` of smelt_cc_fuzz). A crash prints the input that caused it, in hexadecimal.
//
// Environment: SMELT_FUZZ_RUNS, the number of mutations (20000); SMELT_FUZZ_SEED (1).

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <string_view>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

namespace fs = std::filesystem;

constexpr std::size_t kInputBytesMax = 64 << 10;
constexpr std::uint64_t kRunsDefault = 20000;

using Corpus = std::vector<std::string>;

const std::string* current_input = nullptr;

extern "C" void PrintCurrentInput(int signal_number) {
  static constexpr char kDigits[] = "0123456789abcdef";
  static constexpr std::string_view kTitle = "\nfuzz: crashed on this input (hexadecimal):\n";
  auto print = [](const char* bytes, std::size_t size) { [[maybe_unused]] auto written = ::write(2, bytes, size); };
  print(kTitle.data(), kTitle.size());
  if (current_input != nullptr) {
    for (unsigned char byte : *current_input) {
      const char pair[2] = {kDigits[byte >> 4], kDigits[byte & 15]};
      print(pair, sizeof(pair));
    }
  }
  print("\n", 1);
  ::raise(signal_number);  // SA_RESETHAND: the default action this time
}

void InstallCrashReport() {
  struct sigaction action = {};
  action.sa_handler = PrintCurrentInput;
  action.sa_flags = static_cast<int>(SA_RESETHAND | SA_NODEFER);
  for (int number : {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL}) ::sigaction(number, &action, nullptr);
}

std::uint64_t NumberFromEnvironment(const char* name, std::uint64_t fallback) {
  const char* text = std::getenv(name);
  if (text == nullptr) return fallback;
  const std::string_view digits(text);
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (error != std::errc() || end != digits.data() + digits.size()) {
    std::fprintf(stderr, "fuzz: %s=%s is not a number\n", name, text);
    std::exit(2);
  }
  return number;
}

std::string ReadWhole(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) {
    std::fprintf(stderr, "fuzz: cannot read the corpus file %s\n", path.c_str());
    std::exit(2);
  }
  return std::string(std::istreambuf_iterator<char>(in), {});
}

// The test's own package among the runfiles, or nothing outside of `bazel test`.
std::vector<fs::path> RunfilesOfThisTest(const fs::path& binary) {
  const char* root = std::getenv("TEST_SRCDIR");
  const char* workspace = std::getenv("TEST_WORKSPACE");
  const char* target = std::getenv("TEST_TARGET");
  if (root == nullptr || workspace == nullptr || target == nullptr) return {};
  std::string_view package(target);
  package = package.substr(0, package.find(':'));
  while (package.starts_with('/') || package.starts_with('@')) package.remove_prefix(1);
  std::vector<fs::path> found;
  std::error_code error;
  for (const auto& entry : fs::recursive_directory_iterator(fs::path(root) / workspace / package, error)) {
    if (entry.is_regular_file() && entry.path().filename() != binary.filename()) found.push_back(entry.path());
  }
  std::sort(found.begin(), found.end());
  return found;
}

Corpus LoadCorpus(int argc, char** argv) {
  std::vector<fs::path> paths(argv + 1, argv + argc);
  if (paths.empty()) paths = RunfilesOfThisTest(argv[0]);
  Corpus corpus = {""};
  for (const fs::path& path : paths) corpus.push_back(ReadWhole(path));
  return corpus;
}

class Mutator {
 public:
  Mutator(const Corpus& corpus, std::uint64_t seed) : corpus_(corpus), random_(seed) {}

  std::string Next() {
    std::string input = Pick();
    const std::size_t changes = 1 + Below(6);
    for (std::size_t i = 0; i < changes; ++i) Change(input);
    if (input.size() > kInputBytesMax) input.resize(kInputBytesMax);
    return input;
  }

 private:
  std::size_t Below(std::size_t limit) { return limit == 0 ? 0 : random_() % limit; }
  const std::string& Pick() { return corpus_[Below(corpus_.size())]; }
  char AnyByte() { return static_cast<char>(Below(256)); }

  // Bytes on which parsers of text and of binary frames turn.
  char PivotalByte() {
    static constexpr char kPivots[] = "\0\x01\x7f\x80\xff \t\r\n\"'\\/=:;,.-_#$%@()[]{}09azAZ";
    return kPivots[Below(sizeof(kPivots))];
  }

  void Change(std::string& input) {
    const std::size_t at = Below(input.size() + 1);
    const std::size_t length = Below(std::min<std::size_t>(input.size() - at, 32) + 1);
    switch (Below(8)) {
      case 0:
        if (at < input.size()) input[at] = static_cast<char>(input[at] ^ (1 << Below(8)));
        break;
      case 1:
        if (at < input.size()) input[at] = PivotalByte();
        break;
      case 2:
        input.insert(at, 1 + Below(8), AnyByte());
        break;
      case 3:
        input.insert(at, 1, PivotalByte());
        break;
      case 4:
        input.erase(at, length);
        break;
      case 5:
        input.insert(Below(input.size() + 1), input.substr(at, length));
        break;
      case 6:
        input.resize(at);
        break;
      default:
        Splice(input, at);
    }
  }

  void Splice(std::string& input, std::size_t at) {
    const std::string& other = Pick();
    const std::size_t from = Below(other.size() + 1);
    input.insert(at, other, from, Below(other.size() - from + 1));
  }

  const Corpus& corpus_;
  std::mt19937_64 random_;
};

void Run(const std::string& input) {
  current_input = &input;
  LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(input.data()), input.size());
  current_input = nullptr;
}

}  // namespace

int main(int argc, char** argv) {
  const std::uint64_t runs = NumberFromEnvironment("SMELT_FUZZ_RUNS", kRunsDefault);
  const std::uint64_t seed = NumberFromEnvironment("SMELT_FUZZ_SEED", 1);
  const Corpus corpus = LoadCorpus(argc, argv);
  InstallCrashReport();
  for (const std::string& input : corpus) Run(input);
  Mutator mutator(corpus, seed);
  for (std::uint64_t i = 0; i < runs; ++i) Run(mutator.Next());
  std::printf("fuzz: %zu inputs of the corpus and %llu mutations of them (seed %llu)\n", corpus.size(),
              static_cast<unsigned long long>(runs), static_cast<unsigned long long>(seed));
  return 0;
}
