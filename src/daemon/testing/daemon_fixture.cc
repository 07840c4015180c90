#include "src/daemon/testing/daemon_fixture.h"

#include <sys/wait.h>

#include <filesystem>
#include <fstream>
#include <utility>

#include "src/compilers/rustc/key_arguments.h"
#include "src/daemon/unit.h"

namespace smelt {
namespace {

std::unique_ptr<LocalStore> OpenStore(const std::string& directory, FileSystem& files) {
  LocalStoreOptions options;
  options.directory = directory;
  options.spares = false;  // made by a thread of the store, whose calls tests would count
  auto store = LocalStore::Open(options, files, Clock::System());
  EXPECT_OK(store);
  return *std::move(store);
}

StateAheadOptions StatesIn(const std::string& directory, bool wanted) {
  return {directory + "/states", wanted ? std::uint64_t{1} << 30 : 0, std::chrono::milliseconds(0)};
}

}  // namespace

DaemonParts::DaemonParts(const std::string& directory, FaultyFileSystem& files, CompileOptions options,
                         StateAhead::Start start)
    : store(OpenStore(directory + "/store", files)),
      actions(store->actions(), store->blobs()),
      digests(files, Clock::System(), store->table("digests")),
      toolchains(files, toolchains_clock, digests, store->table("toolchains")),
      predictor(actions, store->blobs(), files, digests),
      results(files, store->blobs(), store->outputs(), digests),
      edited(files, digests, store->table("units")),
      packages(store->table("packages")),
      questions(toolchains, store->table("toolchains")),
      counters(store->table("counters")),
      state_ahead(StatesIn(directory, start != nullptr), start, counters),
      journal(store->table("journal"), Clock::System(), ""),
      compiles({files, Clock::System(), toolchains, predictor, results, digests, edited, packages, in_flight, questions,
                state_ahead, counters, journal},
               std::move(options)) {}

DaemonFixture::DaemonFixture() {
  options_.observer = dir_ / "libsmelt_observer.so";
  std::ofstream(options_.observer) << "never loaded here";
  options_.observer_stat = FileSystem::System().Stat(options_.observer).value();
  options_.runs_directory = dir_ / "runs";
  std::filesystem::create_directories(options_.runs_directory);
  Restart();
  WriteBoth("src/lib.rs", "fn a\nmod m\nwarn\nprint\n");
  WriteBoth("src/m.rs", "fn m\n");
}

void DaemonFixture::Restart() {
  daemon_.reset();
  daemon_ = std::make_unique<DaemonParts>(dir_ / "cache", files_, options_, background_);
}

void DaemonFixture::WriteBoth(const std::string& name, const std::string& contents) {
  one_.Write(name, contents);
  two_.Write(name, contents);
}

Outcome DaemonFixture::Compile(const Checkout& checkout, std::function<void()> during) {
  const wire::Compile request = checkout.Request();
  FakeRustc rustc(request.working_directory, request.environment, std::move(during));
  ScriptedWrapper wrapper([&](const wire::Run& run) { return rustc.Run(run); });
  daemon_->compiles.Handle(request, wrapper);

  Outcome outcome;
  outcome.plain = wrapper.plain;
  outcome.ran = wrapper.run.has_value();
  outcome.exit_code = wrapper.exit_code.value_or(-1);
  outcome.standard_output = wrapper.standard_output;
  outcome.standard_error = wrapper.standard_error;
  if (wrapper.run) outcome.run = *wrapper.run;
  if (wrapper.plain) {
    const wire::Ran ran = rustc.RunPlainly(request.command);
    outcome.exit_code = WEXITSTATUS(ran.wait_status);
    outcome.standard_output += ran.standard_output;
    outcome.standard_error += ran.standard_error;
  }
  return outcome;
}

std::string DaemonFixture::Last() {
  std::optional<JournalEntry> entry = daemon_->journal.LastOf("a");
  if (!entry) return "nothing";
  return entry->reason.empty() ? entry->outcome : entry->outcome + " " + entry->reason;
}

std::map<std::string, std::string> DaemonFixture::Expected(const Checkout& checkout, const Outcome& outcome) {
  const std::string aside = checkout.directory() + "/aside";
  std::filesystem::rename(checkout.Deps(), aside);
  std::filesystem::create_directories(checkout.Deps());
  const wire::Compile request = checkout.Request();
  std::vector<std::string> command = request.command;
  if (!outcome.plain) {
    auto unit = Understand(request, options_.remap, files_, daemon_->toolchains, daemon_->packages);
    const Unit& understood = *std::get<std::unique_ptr<Unit>>(unit);
    for (std::string& remap : understood.paths.RemapArguments()) command.insert(command.begin() + 1, std::move(remap));
  }
  for (std::string& argument : command) {
    if (argument.starts_with("incremental=")) argument = "metadata=1";
  }
  FakeRustc(request.working_directory, request.environment).RunPlainly(command);
  std::map<std::string, std::string> outputs = checkout.Outputs();
  std::filesystem::remove_all(checkout.Deps());
  std::filesystem::rename(aside, checkout.Deps());
  return outputs;
}

Outcome DaemonFixture::CompileAndCheck(const Checkout& checkout) {
  Outcome outcome = Compile(checkout);
  const std::map<std::string, std::string> outputs = checkout.Outputs();
  EXPECT_EQ(outcome.exit_code, 0) << outcome.standard_error;
  EXPECT_TRUE(outputs == Expected(checkout, outcome)) << "wrong outputs, " << Last();
  return outcome;
}

std::int64_t DaemonFixture::Count(const std::string& counter) { return daemon_->counters.All()[counter]; }

}  // namespace smelt
