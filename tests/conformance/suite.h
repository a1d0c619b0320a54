// What a conformance case is: one thing that a specification says, tried on a mint from outside. A case that
// returns has passed; it throws Failed with what was expected and got, or Skipped with what the mint lacks.
#pragma once
#include <initializer_list>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "common/mintclient/transport.h"

namespace manastr::conformance {

class Mint;

struct Failed : std::runtime_error {
  using runtime_error::runtime_error;
};
struct Skipped : std::runtime_error {
  using runtime_error::runtime_error;
};

struct Case {
  std::string_view id;       ///< unique; the edge cases of several mints' histories are edge-01 to edge-16
  std::string_view section;  ///< of the specification
  std::string_view title;    ///< what a conforming mint does
  void (*run)(Mint& mint);
};

// One list for each file of cases.
std::vector<Case> basic_cases();
std::vector<Case> refusal_cases();
std::vector<Case> lock_cases();
std::vector<Case> edge_cases();
std::vector<Case> json_cases();
std::vector<Case> payment_cases();
std::vector<Case> rotation_cases();
std::vector<Case> batch_cases();
std::vector<Case> offer_cases();
std::vector<Case> subscription_cases();
std::vector<Case> auth_cases();  ///< none without a clear token in the environment

/// Throws Failed(why) unless it holds.
void require(bool holds, const std::string& why);
/// 200, or Failed with the reply.
void require_ok(const mintclient::HttpReply& reply, std::string_view what);
/// An error of one of these codes (with any status from 400 to 499).
void require_code(const mintclient::HttpReply& reply, std::initializer_list<int> codes,
                  std::string_view what);
/// Some error that is the client's fault: 4xx, a JSON body with `detail` and `code`.
void require_refused(const mintclient::HttpReply& reply, std::string_view what);
int code_of(const mintclient::HttpReply& reply);
/// Status and the beginning of the body, on one line.
std::string brief(const mintclient::HttpReply& reply);

}  // namespace manastr::conformance
