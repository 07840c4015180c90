#include "src/daemon/compile.h"

#include <sys/stat.h>
#include <sys/wait.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <utility>

#include "fmt/format.h"
#include "glog/logging.h"
#include "src/action/action.h"
#include "src/base/kill_point.h"
#include "src/base/path_names.h"
#include "src/compilers/rustc/dep_info.h"
#include "src/compilers/rustc/key_arguments.h"
#include "src/daemon/wanted_state.h"
#include "src/observer/log.h"

namespace smelt {
namespace {

// Files of OUT_DIR that are stat'ed before a run; more than that and late ones may cost a store, never a wrong one.
constexpr std::size_t kSnapshotFilesMax = 10'000;

// With less than this free beside the store nothing could be stored, and a linker that cannot write its dependency file
// fails: nothing is asked of the compiler that plain cargo would not ask.
constexpr std::int64_t kFreeBytesMin = 8 << 20;

std::int64_t NowMicros() {
  return std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

JournalEntry EntryFor(const Unit& unit) {
  JournalEntry entry;
  entry.crate = unit.invocation.crate_name;
  entry.crate_type = unit.invocation.test ? "test" : unit.invocation.crate_types.front();
  entry.unit = unit.manifest_key.Hex();
  return entry;
}

// A build script has tried whether something compiles, and the answer of the compiler itself is no. (A compiler that
// ran out of memory or disk does not say so by an error with a code.)
bool IsFailedProbe(const Unit& unit, const wire::Ran& ran) {
  return unit.invocation.probe && WIFEXITED(ran.wait_status) && WEXITSTATUS(ran.wait_status) == 1 &&
         ran.standard_error.find("error[E") != std::string::npos;
}

// A compile that fails leaves nothing.
UnitOutputs OutputsWith(const Unit& unit, int exit_code) {
  UnitOutputs outputs = unit.Outputs();
  if (exit_code != 0) outputs.files.clear();
  return outputs;
}

// The directory above bin/rustc, symbolic links and all.
std::string InvokedSysroot(const Unit& unit) {
  const std::string_view bin = DirectoryName(unit.invocation.compiler);
  return bin.ends_with("/bin") ? std::string(DirectoryName(bin)) : unit.toolchain->sysroot;
}

void SnapshotTree(FileSystem& files, const std::string& directory, Before& before) {
  absl::StatusOr<std::vector<std::string>> names = files.List(directory);
  if (!names.ok()) return;
  for (const std::string& name : *names) {
    if (before.stats.size() >= kSnapshotFilesMax) return;
    const std::string path = directory + "/" + name;
    absl::StatusOr<FileStat> stat = files.Stat(path);
    if (!stat.ok()) continue;
    if (stat->type == FileStat::Type::kDirectory) {
      SnapshotTree(files, path, before);
    } else {
      before.stats.emplace(path, *stat);
    }
  }
}

}  // namespace

// How a miss is run.
struct CompileHandler::Plan {
  bool incremental = false;
  bool observed = false;
  bool disk_full = false;
  bool private_inputs = false;
  std::string observer_log, linker_dependency_file;
  Before before;
  std::int64_t micros = 0;  // spent so far
  std::int64_t compiler_micros = 0;
};

CompileHandler::CompileHandler(CompileParts parts, CompileOptions options)
    : parts_(parts), options_(std::move(options)), start_ns_(parts_.clock.NowNanos()) {
  // What runs of an earlier daemon have left. Those that still go on write to files without a name.
  const absl::StatusOr<std::vector<std::string>> names = parts_.files.List(options_.runs_directory);
  if (!names.ok()) return;
  for (const std::string& name : *names) parts_.files.Remove(options_.runs_directory + "/" + name).IgnoreError();
}

void CompileHandler::Handle(const wire::Compile& request, Conversation& wrapper) {
  const std::int64_t start = NowMicros();
  const auto working = [&] { return wrapper.Send(wire::Working()); };
  parts_.counters.Add("compile_requests");

  auto understood = Understand(request, options_.remap, parts_.files, parts_.toolchains, parts_.packages);
  if (auto* refusal = std::get_if<rustc::Refusal>(&understood)) {
    if (*refusal == rustc::Refusal::kNotACompile && AnswerQuestion(request, wrapper)) return;
    return Refuse(request, *refusal, wrapper);
  }
  const Unit& unit = *std::get<std::unique_ptr<Unit>>(understood);

  if (parts_.builds) parts_.builds->Begin(unit, [&] { return wrapper.Parent(); });
  Predictor::Prediction prediction = parts_.predictor.Predict(unit);
  InFlight::Turn turn;
  if (!prediction.result) {
    // From here on nobody else compiles the same unit; who was first may have made what we look for.
    const std::string flight = FlightKey(unit, prediction);
    turn = parts_.in_flight.TryTake(flight);
    if (!turn.held()) {
      turn = parts_.in_flight.Take(flight, working);
      if (!turn.held()) return;
      prediction = parts_.predictor.Predict(unit);
    }
  }
  if (prediction.result && !IsSampled(unit) && ServeHit(unit, prediction, wrapper)) {
    parts_.counters.Add("hit_micros", NowMicros() - start);
    return;
  }

  // Nothing is known, or it is to be checked: the compiler runs.
  const StateAhead::Compile compile = parts_.state_ahead.Begin(unit.identity, working);
  Plan plan = MakePlan(unit, prediction);
  if (plan.incremental) parts_.state_ahead.Take(unit.identity, unit.Absolute(*unit.invocation.incremental), working);
  const std::int64_t run = NowMicros();
  plan.micros = run - start;
  if (!wrapper.Send(RunMessage(unit, plan))) return;
  std::optional<wire::Message> answer = wrapper.Receive();
  plan.compiler_micros = NowMicros() - run;
  if (const wire::Ran* ran = answer ? std::get_if<wire::Ran>(&*answer) : nullptr) {
    Keep(unit, plan, prediction, *ran, wrapper);
    wrapper.Send(wire::Exit{WIFEXITED(ran->wait_status) ? WEXITSTATUS(ran->wait_status) : 1});
  } else {
    parts_.counters.Add("wrappers_lost");
  }
  parts_.files.Remove(plan.observer_log).IgnoreError();
  parts_.files.Remove(plan.linker_dependency_file).IgnoreError();
}

// A new machine's toolchain takes a while to digest: what will be built is on its way by then.
void CompileHandler::Foresee(const Questions::Question& question, Conversation& wrapper) {
  if (!parts_.builds) return;
  const absl::StatusOr<Digest> compiler = parts_.toolchains.Program(question.toolchain);
  if (!compiler.ok()) return;
  const auto target = question.is_about_target ? std::optional(question.toolchain.target) : std::nullopt;
  parts_.builds->Foresee(*compiler, target, wrapper.Parent());
}

// cargo's questions are answered from memory; the first time, the compiler is asked.
bool CompileHandler::AnswerQuestion(const wire::Compile& request, Conversation& wrapper) {
  const std::optional<Questions::Question> question = Questions::Understand(request);
  if (!question) return false;
  Foresee(*question, wrapper);
  const std::optional<std::string> key = parts_.questions.KeyOf(request, *question);
  if (!key) return false;
  parts_.counters.Add("questions");
  if (std::optional<Questions::Answer> answer = parts_.questions.Find(*key)) {
    if (!answer->standard_output.empty()) wrapper.Send(wire::Output{false, answer->standard_output});
    if (!answer->standard_error.empty()) wrapper.Send(wire::Output{true, answer->standard_error});
    wrapper.Send(wire::Exit{0});
    return true;
  }
  if (!wrapper.Send(wire::Run{request.command, {}, {}})) return true;
  std::optional<wire::Message> message = wrapper.Receive();
  const wire::Ran* ran = message ? std::get_if<wire::Ran>(&*message) : nullptr;
  if (!ran) return true;
  if (ran->wait_status == 0) parts_.questions.Remember(*key, {ran->standard_output, ran->standard_error});
  wrapper.Send(wire::Exit{WIFEXITED(ran->wait_status) ? WEXITSTATUS(ran->wait_status) : 1});
  return true;
}

// What two requests must have in common for one to wait for the other: the action, as far as it can be told.
std::string CompileHandler::FlightKey(const Unit& unit, const Predictor::Prediction& prediction) {
  if (prediction.candidate) return prediction.candidate->Hex();
  absl::StatusOr<FileDigest> source = parts_.digests.Of(unit.Absolute(unit.invocation.source));
  return unit.manifest_key.Hex() + (source.ok() ? source->digest.Hex() : unit.identity);
}

void CompileHandler::Refuse(const wire::Compile& request, rustc::Refusal refusal, Conversation& wrapper) {
  wrapper.Send(wire::Plain());
  parts_.counters.Add(fmt::format("refusals.{}", rustc::Name(refusal)));
  if (refusal != rustc::Refusal::kNotACompile) parts_.counters.Add("refused");
  JournalEntry entry;
  entry.outcome = "refused";
  entry.reason = rustc::Name(refusal);
  for (std::size_t i = 0; i + 1 < request.command.size(); ++i) {
    if (request.command[i] == "--crate-name") entry.crate = request.command[i + 1];
    if (request.command[i] == "--crate-type") entry.crate_type = request.command[i + 1];
  }
  parts_.journal.Record(std::move(entry));
}

bool CompileHandler::IsSampled(const Unit& unit) {
  const std::string* wanted = unit.environment.Find("SMELT_VERIFY");
  const double share = wanted ? std::strtod(wanted->c_str(), nullptr) : options_.verify_share;
  if (!(share > 0)) return false;
  const auto every = static_cast<std::uint64_t>(1 / std::clamp(share, 1e-9, 1.0));
  return hits_.fetch_add(1) % every == 0;
}

bool CompileHandler::ServeHit(const Unit& unit, Predictor::Prediction& prediction, Conversation& wrapper) {
  SMELT_KILL_POINT("compile.before_restore");
  absl::StatusOr<Results::Replay> replay = parts_.results.Restore(
      OutputsWith(unit, prediction.result->exit_code()), *prediction.result, [&] { return wrapper.IsThere(); });
  if (absl::IsCancelled(replay.status())) return true;
  if (!replay.ok()) {
    LOG(WARNING) << unit.invocation.Describe() << ": a hit could not be put in place: " << replay.status();
    parts_.counters.Add("restore_failures");
    return false;
  }
  SMELT_KILL_POINT("compile.after_restore");
  if (!replay->standard_output.empty()) wrapper.Send(wire::Output{false, replay->standard_output});
  if (!replay->standard_error.empty()) wrapper.Send(wire::Output{true, replay->standard_error});
  wrapper.Send(wire::Exit{prediction.result->exit_code()});

  parts_.predictor.Confirm(unit, prediction);
  if (parts_.builds) parts_.builds->Used(unit, prediction.key);
  if (unit.invocation.incremental) parts_.edited.Settled(unit.identity, prediction.closure);
  parts_.counters.Add("hits");
  if (prediction.from_team) parts_.counters.Add("remote_hits");
  parts_.counters.Add("bytes_restored", replay->bytes);
  JournalEntry entry = EntryFor(unit);
  entry.outcome = "hit";
  if (prediction.from_team) entry.reason = "remote";
  entry.key = prediction.key.ToString();
  parts_.journal.Record(std::move(entry));
  return true;
}

// True if this target directory holds an earlier compile of the unit: only then can incremental state be worth it.
bool CompileHandler::HasEarlierOutputs(const Unit& unit) {
  for (const rustc::Output& output : unit.Outputs().files) {
    if (output.kind == rustc::Output::Kind::kDepInfo) return parts_.files.Stat(unit.Absolute(output.path)).ok();
  }
  return false;
}

// The compiler must not be told of an observer that cannot be loaded, nor of files that cannot be written.
bool CompileHandler::CanObserve(const std::string& log) {
  if (options_.observer.empty()) return false;
  absl::StatusOr<FileStat> observer = parts_.files.Stat(options_.observer);
  if (!observer.ok() || observer->inode != options_.observer_stat.inode ||
      observer->size != options_.observer_stat.size || observer->mtime_ns != options_.observer_stat.mtime_ns) {
    return false;
  }
  absl::Status made = parts_.files.WriteNewFile(log, "", 0600);
  if (absl::IsNotFound(made)) {
    parts_.files.MakeDirectories(options_.runs_directory, 0700).IgnoreError();
    made = parts_.files.WriteNewFile(log, "", 0600);
  }
  return made.ok();
}

CompileHandler::Plan CompileHandler::MakePlan(const Unit& unit, const Predictor::Prediction& prediction) {
  Plan plan;
  plan.private_inputs = HasPrivateInput(unit);
  plan.incremental = options_.incremental && unit.invocation.incremental && !prediction.result &&
                     HasEarlierOutputs(unit) &&
                     (plan.private_inputs || parts_.edited.IsEdited(unit.identity, unit.paths));
  const std::string stem = fmt::format("{}/{:x}-{}", options_.runs_directory, start_ns_, runs_.fetch_add(1));
  plan.disk_full = parts_.files.FreeBytes(options_.runs_directory).value_or(kFreeBytesMin) < kFreeBytesMin;
  plan.observed = !plan.incremental && !plan.private_inputs && !plan.disk_full && CanObserve(stem + ".observed");
  if (plan.observed) {
    plan.observer_log = stem + ".observed";
    if (unit.invocation.Links()) plan.linker_dependency_file = stem + ".linked";
    SnapshotInputs(unit, prediction, plan);
  }
  return plan;
}

void CompileHandler::SnapshotInputs(const Unit& unit, const Predictor::Prediction& prediction, Plan& plan) {
  Before& before = plan.before;
  auto add = [&](const std::string& path) {
    absl::StatusOr<FileStat> stat = parts_.files.Stat(path);
    if (stat.ok()) before.stats.emplace(path, *stat);
  };
  add(unit.Absolute(unit.invocation.source));
  for (const rustc::Extern& dependency : unit.invocation.externs) {
    if (!dependency.path.empty()) add(unit.Absolute(dependency.path));
  }
  if (prediction.manifest.shapes_size() > 0) {
    for (const std::string& file : prediction.manifest.shapes(0).files()) add(unit.paths.Real(file));
  }
  if (const std::string* out_dir = unit.environment.Find("OUT_DIR")) SnapshotTree(parts_.files, *out_dir, before);
  before.start_ns = parts_.clock.NowNanos();
}

bool CompileHandler::HasPrivateInput(const Unit& unit) {
  for (const rustc::Extern& dependency : unit.invocation.externs) {
    if (!dependency.path.empty() && parts_.edited.IsPrivate(unit.Absolute(dependency.path))) return true;
  }
  return false;
}

wire::Run CompileHandler::RunMessage(const Unit& unit, const Plan& plan) {
  wire::Run run;
  rustc::LocalRun local;
  local.incremental = plan.incremental;
  local.linker_dependency_file = plan.linker_dependency_file;
  run.command = unit.Command(local);
  if (plan.observed) {
    const std::string* preload = unit.environment.Find("LD_PRELOAD");
    run.environment.push_back(
        fmt::format("LD_PRELOAD={}{}{}", options_.observer, preload ? ":" : "", preload ? *preload : ""));
    run.environment.push_back("SMELT_OBSERVER_LOG=" + plan.observer_log);
  }
  run.display = unit.paths.DisplayReplacements();
  // rustc prints the linker's arguments when linking fails; ours is nobody's business.
  const char* quote = unit.invocation.json_diagnostics ? "\\\"" : "\"";
  if (!plan.linker_dependency_file.empty()) {
    run.display.emplace_back(fmt::format(" {0}-Wl,--dependency-file={1}{0}", quote, plan.linker_dependency_file), "");
  }
  return run;
}

void CompileHandler::Keep(const Unit& unit, const Plan& plan, const Predictor::Prediction& prediction,
                          const wire::Ran& ran, Conversation& wrapper) {
  const std::int64_t start = NowMicros();
  parts_.counters.Add("misses");
  JournalEntry entry = EntryFor(unit);
  std::optional<NotStored> reason = TryKeep(unit, plan, prediction, ran, wrapper, entry);
  entry.outcome = reason ? "not_stored" : "miss";
  if (reason) {
    entry.reason = Name(*reason);
    parts_.counters.Add(fmt::format("not_stored.{}", entry.reason));
  } else {
    parts_.counters.Add("stored");
  }
  const std::int64_t spent = plan.micros + NowMicros() - start;
  parts_.counters.Add("miss_micros", spent);
  entry.micros = spent;
  parts_.journal.Record(std::move(entry));
}

std::optional<NotStored> CompileHandler::TryKeep(const Unit& unit, const Plan& plan,
                                                 const Predictor::Prediction& prediction, const wire::Ran& ran,
                                                 Conversation& wrapper, JournalEntry& entry) {
  if (ran.wait_status == -2) return NotStored::kOutputLimit;
  const bool failed_probe = IsFailedProbe(unit, ran);
  if (ran.wait_status != 0 && !failed_probe) return NotStored::kCompilerFailed;
  if (!parts_.toolchains.IsUnchanged(*unit.toolchain)) {
    entry.detail = unit.toolchain->sysroot;
    return NotStored::kInputsChanged;
  }
  if (plan.incremental || plan.private_inputs) {
    for (const rustc::Output& output : unit.Outputs().files) parts_.edited.MarkPrivate(unit.Absolute(output.path));
    return plan.incremental ? NotStored::kIncremental : NotStored::kPrivateInputs;
  }
  if (plan.observed && parts_.clock.NowNanos() < plan.before.start_ns) {
    entry.detail = "the clock went back";
    return NotStored::kInputsChanged;
  }
  Shape shape;
  if (auto reason = ObserveRun(unit, plan, failed_probe, shape, entry.detail)) return reason;

  ClosureEvaluator evaluator(parts_.files, parts_.digests, unit.paths, unit.working_directory, unit.environment);
  std::optional<Evaluation> evaluation = evaluator.Evaluate(shape, &plan.before);
  if (!evaluation || !evaluation->changed_since.empty()) {
    entry.detail = evaluation ? evaluation->changed_since : evaluator.obstacle();
    return NotStored::kInputsChanged;
  }
  if (!IsRepresentable(unit.key, evaluation->closure)) return NotStored::kNotUtf8;
  BuiltAction action = BuildAction(unit.key, evaluation->closure);
  entry.key = action.key.ToString();
  entry.key_dump = KeyDump(unit.key, evaluation->closure);

  SMELT_KILL_POINT("compile.before_store");
  auto alive = [&] { wrapper.Send(wire::Working()); };
  auto result =
      parts_.results.Store(OutputsWith(unit, failed_probe ? 1 : 0), ran.standard_output, ran.standard_error, alive);
  if (!result.ok()) {
    entry.detail = std::string(result.status().message());
    return absl::IsNotFound(result.status()) ? NotStored::kOutputsMissing : NotStored::kStoreFailed;
  }
  result->set_exit_code(failed_probe ? 1 : 0);
  if (prediction.result && prediction.key == action.key) {
    parts_.counters.Add("verified");
    if (std::string difference = Results::Difference(*prediction.result, *result); !difference.empty()) {
      parts_.counters.Add("verify_differences");
      LOG(ERROR) << unit.invocation.Describe() << ", action " << action.key.Hex()
                 << ": a compile differs from what was stored:\n"
                 << difference;
    }
  }
  absl::Status learned = parts_.predictor.Learn(unit, shape, evaluation->closure, action, *result);
  if (!learned.ok()) {
    entry.detail = std::string(learned.message());
    return NotStored::kStoreFailed;
  }
  SMELT_KILL_POINT("compile.after_store");
  if (parts_.builds) parts_.builds->Used(unit, action.key);
  for (const auto& file : result->output_files()) parts_.counters.Add("bytes_stored", file.digest().size_bytes());
  if (unit.invocation.incremental) {
    parts_.edited.Settled(unit.identity, evaluation->closure);
    if (options_.incremental && !prediction.result) WantState(unit, plan.compiler_micros, parts_.state_ahead);
  }
  return std::nullopt;
}

std::optional<NotStored> CompileHandler::ObserveRun(const Unit& unit, const Plan& plan, bool failed_probe, Shape& shape,
                                                    std::string& detail) {
  if (!plan.observed) return plan.disk_full ? NotStored::kDiskFull : NotStored::kUnobserved;
  absl::StatusOr<std::string> log = parts_.files.ReadFile(plan.observer_log);
  if (!log.ok()) return NotStored::kUnobserved;
  absl::StatusOr<std::vector<ObserverEvent>> events = ParseObserverLog(*log);
  if (!events.ok() || events->empty()) return NotStored::kUnobserved;

  rustc::DepInfo dep_info;
  for (const rustc::Output& output : unit.Outputs().files) {
    if (output.kind != rustc::Output::Kind::kDepInfo || failed_probe) continue;
    absl::StatusOr<std::string> text = parts_.files.ReadFile(unit.Absolute(output.path));
    if (!text.ok()) return NotStored::kOutputsMissing;
    absl::StatusOr<rustc::DepInfo> parsed = rustc::ParseDepInfo(*text);
    if (!parsed.ok()) return NotStored::kUnobserved;
    dep_info = *std::move(parsed);
  }
  std::vector<std::string> linker_inputs;
  if (!plan.linker_dependency_file.empty()) {
    absl::StatusOr<std::string> text = parts_.files.ReadFile(plan.linker_dependency_file);
    absl::StatusOr<std::vector<std::string>> parsed =
        text.ok() ? rustc::ParseLinkerDependencyFile(*text) : std::vector<std::string>();
    if (!parsed.ok()) return NotStored::kUnobserved;
    linker_inputs = *std::move(parsed);
  }
  const std::string temporary = unit.environment.ValueOr("TMPDIR", "/tmp");
  Observation observation = Observe({unit.invocation,
                                     unit.paths,
                                     unit.working_directory,
                                     {unit.toolchain->sysroot, InvokedSysroot(unit)},
                                     {temporary, options_.runs_directory},
                                     *events,
                                     dep_info,
                                     linker_inputs,
                                     [&](std::string_view name) { return unit.environment.Find(name); }});
  detail = observation.detail;
  shape = std::move(observation.shape);
  return observation.refusal;
}

}  // namespace smelt
