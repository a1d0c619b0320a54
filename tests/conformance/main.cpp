// mint-conformance: tries on a mint, given by its URL, what the NUTs say and what has gone wrong in mints
// before. Prints a line for each case; exit code 0 if none failed.
#include <CLI/CLI.hpp>
#include <cstdio>

#include "common/json/value.h"
#include "tests/conformance/mint.h"

namespace {

using namespace manastr;
using namespace manastr::conformance;

std::vector<Case> all_cases() {
  std::vector<Case> out;
  for (const auto& list :
       {basic_cases(), refusal_cases(), lock_cases(), edge_cases(), json_cases(), payment_cases(),
        rotation_cases(), batch_cases(), offer_cases(), subscription_cases(), auth_cases()}) {
    out.insert(out.end(), list.begin(), list.end());
  }
  return out;
}

struct Outcome {
  std::string result = "pass";
  std::string detail;
};

Outcome outcome_of(const Case& one, Mint& mint) {
  try {
    one.run(mint);
  } catch (const Skipped& why) {
    return {"skip", why.what()};
  } catch (const std::exception& why) {
    return {"fail", why.what()};
  }
  return {};
}

void print(const Case& one, const Outcome& outcome, bool as_json) {
  if (as_json) {
    json::Value line;
    line.set("id", one.id).set("section", one.section).set("title", one.title);
    line.set("result", outcome.result).set("detail", outcome.detail);
    std::printf("%s\n", line.dump().c_str());
  } else {
    std::printf("%s  %-22s %-12s %s\n", outcome.result.c_str(), std::string(one.id).c_str(),
                std::string(one.section).c_str(), std::string(one.title).c_str());
    if (!outcome.detail.empty()) std::printf("      %s\n", outcome.detail.c_str());
  }
  std::fflush(stdout);
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{
      "Tries a Cashu mint against the NUTs. It buys a few thousand units, so use a mint of play money."};
  Options options;
  bool as_json = false;
  bool list = false;
  std::string only;
  std::int64_t patience = 60;
  app.add_option("--mint", options.url, "URL of the mint, without /v1");
  app.add_option("--unit", options.unit, "unit to try (default: sat)");
  app.add_option("--only", only, "cases whose id begins so");
  app.add_option("--patience", patience, "seconds for an invoice to be paid (default: 60)");
  app.add_flag("--fake", options.fake, "the mint's Lightning node takes failure modes from descriptions");
  app.add_option("--restart", options.restart,
                 "shell command that kills the mint (SIGKILL) and returns when it serves again");
  app.add_option("--rotate", options.rotate,
                 "shell command that gives the unit new keys and returns when the mint serves again");
  app.add_flag("--json", as_json, "one JSON object a line");
  app.add_flag("--list", list, "say what the cases are, and try nothing");
  CLI11_PARSE(app, argc, argv);
  if (!list && options.url.empty()) {
    std::fprintf(stderr, "mint-conformance: --mint URL is missing\n");
    return 2;
  }
  while (options.url.ends_with('/')) options.url.pop_back();
  options.patience = Seconds{patience};

  Mint mint(options);
  int passed = 0, failed = 0, skipped = 0;
  for (const Case& one : all_cases()) {
    if (!one.id.starts_with(only)) continue;
    if (list) {
      print(one, {"case", ""}, as_json);
      continue;
    }
    const Outcome outcome = outcome_of(one, mint);
    (outcome.result == "pass" ? passed : outcome.result == "fail" ? failed : skipped) += 1;
    print(one, outcome, as_json);
  }
  if (!list && !as_json) std::printf("%d passed, %d failed, %d skipped\n", passed, failed, skipped);
  return failed == 0 ? 0 : 1;
}
