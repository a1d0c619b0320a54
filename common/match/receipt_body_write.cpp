#include "common/match/fields.h"
#include "common/match/receipt_body.h"

namespace manastr::match {
namespace {

json::Value seconds(UnixSeconds time) { return std::int64_t{count(time)}; }

json::Value payouts_json(const std::vector<Payout>& payouts) {
  json::Value out{json::Array{}};
  for (const Payout& payout : payouts) {
    json::Value groups{json::Array{}};
    for (const Group& group : payout.groups) {
      json::Value ys{json::Array{}};
      for (const crypto::PublicKey& y : group.ys) ys.push(y.hex());
      json::Value item{json::Object{}};
      item.set("owner", group.owner.hex());
      item.set("owner_escrow", group.owner_escrow.hex());
      item.set("ys", std::move(ys));
      item.set("unit", group.unit);
      item.set("pay", group.pay);
      item.set("rake", group.rake);
      groups.push(std::move(item));
    }
    json::Value item{json::Object{}};
    item.set("claimant", payout.claimant.hex());
    item.set("groups", std::move(groups));
    out.push(std::move(item));
  }
  return out;
}

struct Writer {
  json::Value& out;

  void operator()(const ChallengeReceipt& body) const {
    out.set("event", nostr::to_json(body.event));
    out.set("announcement", nostr::to_json(body.announcement));
    out.set("rulebook_hash", to_hex(body.rulebook_hash));
    out.set("keyset", cashu::to_json(body.keyset));
    out.set("max_inputs", std::uint64_t{body.max_inputs});
  }
  void operator()(const AcceptanceReceipt& body) const {
    out.set("event", nostr::to_json(body.event));
    out.set("link_commitment", to_hex(body.link_commitment));
    out.set("funding_limit", seconds(body.funding_limit));
    out.set("hard_end", seconds(body.hard_end));
    out.set("locktime", seconds(body.locktime));
  }
  void operator()(const FundingReceipt& body) const { out.set("event", nostr::to_json(body.event)); }
  void operator()(const StakedReceipt& body) const {
    out.set("party", body.party.hex());
    out.set("attempt", std::uint64_t{body.attempt});
  }
  void operator()(const UnstakedReceipt& body) const {
    out.set("party", body.party.hex());
    out.set("attempt", std::uint64_t{body.attempt});
    out.set("code", body.code);
    out.set("reason", body.reason);
  }
  void operator()(const LapsedReceipt& body) const {
    out.set("party", body.party.hex());
    out.set("reason", body.reason);
  }
  void operator()(const FundedReceipt& body) const {
    json::Value stakes{json::Array{}};
    for (const auto& stake : body.stakes) {
      json::Value cs{json::Array{}};
      for (const auto& c : stake) cs.push(to_hex(c));
      stakes.push(std::move(cs));
    }
    out.set("stakes", std::move(stakes));
    out.set("link_commitment", to_hex(body.link_commitment));
  }
  void operator()(const SeedReceipt& body) const {
    out.set("event", nostr::to_json(body.event));
    if (!body.opening) return;
    out.set("link", to_hex(body.opening->link));
    out.set("link_nonce", to_hex(body.opening->nonce));
    out.set("match_seed", to_hex(body.opening->match_seed));
  }
  void operator()(const CommitmentReceipt& body) const { out.set("event", nostr::to_json(body.event)); }
  void operator()(const RevealReceipt& body) const { out.set("event", nostr::to_json(body.event)); }
  void operator()(const StoppedReceipt& body) const {
    out.set("reason", body.reason);
    out.set("since", std::int64_t{count(body.since)});
  }
  void operator()(const ResumedReceipt& body) const {
    out.set("reason", body.reason);
    out.set("given_back", std::int64_t{body.given_back.count()});
  }
  void operator()(const SilenceReceipt& body) const {
    out.set("party", body.party.hex());
    out.set("deadline", std::int64_t{count(body.deadline)});
    out.set("kind", std::uint64_t{body.kind});
    out.set("d", body.d);
  }
  void operator()(const VerdictReceipt& body) const {
    out.set("terms", to_json(body.terms));
    json::Value parties{json::Array{}};
    for (const PubKey& party : body.parties) parties.push(party.hex());
    out.set("parties", std::move(parties));
    json::Value keys{json::Array{}};
    for (const crypto::PublicKey& key : body.escrow_keys) keys.push(key.hex());
    out.set("escrow_keys", std::move(keys));
    out.set("locktime", seconds(body.locktime));
    out.set("outcome", outcome_name(body.outcome));
    out.set("winner", body.winner ? json::Value(body.winner->hex()) : json::Value());
    out.set("reason", body.reason);
    out.set("payouts", payouts_json(body.payouts));
    if (body.rake) out.set("rake", *body.rake);
  }
  void operator()(const ClaimReceipt& body) const {
    out.set("event", nostr::to_json(body.event));
    out.set("signatures", body.signatures);
  }
  void operator()(const RefusalReceipt& body) const {
    out.set("claimant", body.claimant.hex());
    out.set("attempt", std::uint64_t{body.attempt});
    out.set("code", body.code);
    out.set("reason", body.reason);
    if (body.rake) out.set("rake", *body.rake);
  }
  void operator()(const SettledReceipt& body) const {
    out.set("claimant", body.claimant.hex());
    out.set("group", std::uint64_t{body.group});
    out.set("keyset", body.outputs.empty() ? std::string() : body.outputs.front().id.hex());
    json::Value rows{json::Array{}};
    for (std::size_t i = 0; i < body.outputs.size(); ++i) {
      json::Value row{json::Array{}};
      row.push(body.outputs[i].amount);
      row.push(body.outputs[i].b_blinded.hex());
      row.push(body.signatures[i].c_blinded.hex());
      if (body.signatures[i].dleq) {
        row.push(to_hex(body.signatures[i].dleq->e));
        row.push(to_hex(body.signatures[i].dleq->s));
      }
      rows.push(std::move(row));
    }
    out.set("signed", std::move(rows));
  }
  void operator()(const ClosedReceipt& body) const { out.set("reason", body.reason); }
};

}  // namespace

void write_body(json::Value& out, const ReceiptBody& body) { std::visit(Writer{out}, body); }

}  // namespace manastr::match
