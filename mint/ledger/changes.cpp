#include "mint/ledger/changes.h"

namespace manastr::mint {
namespace {

struct Append {
  Changes& out;

  void spends(const std::vector<Spend>& list) const {
    for (const Spend& each : list) out.proofs.push_back(each.y);
  }
  void operator()(const SwapWrite& write) const { spends(write.spends); }
  void operator()(const TakeOver& write) const { spends(write.spends); }
  void operator()(const BurnWrite& write) const { spends(write.spends); }
  void operator()(const SettleWrite& write) const {
    for (const SettleGroup& group : write.groups) spends(group.spends);
  }
  void operator()(const PaymentReceived& write) const { out.mint_quotes.push_back(write.quote); }
  void operator()(const MintWrite& write) const {
    for (const MintWrite::Part& part : write.parts) out.mint_quotes.push_back(part.quote);
  }
  void operator()(const BeginMelt& write) const {
    spends(write.spends);
    out.melt_quotes.push_back(write.quote);
  }
  void operator()(const FinishMelt& write) const { out.melt_quotes.push_back(write.quote); }
  void operator()(const ReleaseMelt& write) const { out.melt_quotes.push_back(write.quote); }
  // Nobody can wait for what did not exist before.
  void operator()(const NewMintQuote&) const {}
  void operator()(const NewMeltQuote&) const {}
  void operator()(const UseAuthorization&) const {}
  void operator()(const CreditedIssue&) const {}
  void operator()(const BookExpired&) const {}
  void operator()(const UseToken&) const {}
  void operator()(const IssueTokens&) const {}
};

}  // namespace

void append_changes(Changes& changes, const Write& write) { std::visit(Append{changes}, write); }

}  // namespace manastr::mint
