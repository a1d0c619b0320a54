#include "mint/admin/operations.h"

#include <algorithm>
#include <charconv>
#include <limits>

#include "common/crypto/hash.h"
#include "common/json/reader.h"

namespace manastr::mint {
namespace {

using json::Value;

constexpr std::size_t kPage = 100;
constexpr std::size_t kMostLines = 1000;

Value number(Wide value) {
  const bool fits = value >= 0 && value <= std::numeric_limits<std::int64_t>::max();
  return fits ? Value(static_cast<std::int64_t>(value)) : Value(to_text(value));
}

template <class T>
Value optional_number(const std::optional<T>& value) {
  if (!value) return nullptr;
  if constexpr (std::is_same_v<T, UnixSeconds>) {
    return count(*value);
  } else {
    return *value;
  }
}

Value keysets_of(const KeysetRing& ring, const cashu::Unit& unit, UnixSeconds now) {
  json::Array out;
  for (const auto& keyset : ring.all()) {
    if (keyset->unit() != unit) continue;
    Value each;
    each.set("id", keyset->id_hex())
        .set("active", keyset->offered(now))
        .set("input_fee_ppk", keyset->input_fee_ppk())
        .set("final_expiry", optional_number(keyset->record().final_expiry));
    out.push_back(std::move(each));
  }
  return out;
}

Value unit_json(const CurrencyConfiguration& unit, const KeysetRing& ring,
                const std::vector<UnitRecord>& records, const Totals& totals, UnixSeconds now) {
  json::Array issuers;
  if (unit.issued_by_lightning()) issuers.emplace_back("lightning");
  if (unit.issued_by_engine()) issuers.emplace_back("engine");
  const auto record = std::ranges::find(records, unit.unit, &UnitRecord::unit);
  const auto sums = std::ranges::find(totals.units, unit.unit, &UnitTotals::unit);
  const UnitTotals total = sums == totals.units.end() ? UnitTotals{} : *sums;
  Value out;
  out.set("unit", unit.unit)
      .set("master", unit.of_file ? "mint.toml" : "ledger")
      .set("price_msat", unit.price_msat)
      .set("precision", int{unit.precision})
      .set("min_amount", unit.min_amount)
      .set("max_amount", unit.max_amount)
      .set("fee_reserve_ppm", std::uint64_t{unit.fee_reserve_ppm})
      .set("issued_by", std::move(issuers))
      .set("meltable", unit.meltable)
      .set("input_fee_ppk", unit.input_fee_ppk)
      .set("cap", optional_number(unit.cap))
      .set("final_expiry", optional_number(unit.final_expiry))
      .set("retired_at", record == records.end() ? Value() : optional_number(record->retired_at))
      .set("issued", number(total.issued))
      .set("redeemed", number(total.redeemed))
      .set("outstanding", number(total.outstanding()))
      .set("keysets", keysets_of(ring, unit.unit, now));
  return out;
}

/// Of the blind tokens, which are no money.
Value tokens_json(const KeysetRing& ring, UnixSeconds now) {
  Value out;
  out.set("unit", kAuthUnit).set("keysets", keysets_of(ring, cashu::Unit(kAuthUnit), now));
  return out;
}

Value line_json(const AuditLine& line) {
  auto arguments = json::parse(line.call.arguments);
  Value out;
  out.set("number", line.number)
      .set("at", count(line.call.at))
      .set("admin", line.call.admin)
      .set("pubkey", to_hex(line.call.pubkey))
      .set("roles", line.call.roles)
      .set("action", line.call.action)
      .set("arguments", arguments ? *std::move(arguments) : Value(line.call.arguments))
      .set("status", line.status)
      .set("outcome", line.outcome)
      .set("event", to_hex(line.call.event));
  return out;
}

struct Page {
  std::uint64_t before = 0;
  std::size_t limit = kPage;
};

Result<Page> page_of(std::string_view query) {
  Page out;
  while (!query.empty()) {
    const std::string_view part = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(query.size(), part.size() + 1));
    const std::size_t equals = std::min(part.find('='), part.size());
    const std::string_view name = part.substr(0, equals);
    const std::string_view text = part.substr(std::min(equals + 1, part.size()));
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    const bool whole = error == std::errc() && end == text.data() + text.size();
    if (name == "before" && whole && value > 0) {
      out.before = value;
    } else if (name == "limit" && whole && value >= 1 && value <= kMostLines) {
      out.limit = value;
    } else {
      return invalid("the query may have before=NUMBER, from 1, and limit=NUMBER, from 1 to 1000");
    }
  }
  return out;
}

}  // namespace

AdminTask change_task(LiveUnits& units, const Clock& clock, const AdminAction& action, std::string_view unit,
                      const std::string& body) {
  AdminTask out;
  out.action = action.name;
  out.needs = action.role;
  auto request = read_admin_request(action.name, unit, body);
  if (!request) {
    out.arguments = "{\"unreadable\":\"" + to_hex(crypto::sha256(as_bytes(body))) + "\"}";
    out.plan = [error = request.error()](const AdminView&) -> Result<AdminEffect> {
      return std::unexpected(error);
    };
    return out;
  }
  Value arguments;
  arguments.set("unit", request->unit).set("body", *json::parse(request->canonical));
  out.arguments = arguments.dump();
  out.key = request->operation;
  out.plan = [&units, &clock, request = *std::move(request)](const AdminView& view) -> Result<AdminEffect> {
    const UnixSeconds now = clock.now_seconds();
    TRY(AdminEffect effect, units.effect_of(request, view, now));
    TRY(const auto ring, units.ring_of(view, effect));
    Value answer;
    answer.set("unit", effect.unit
                           ? unit_json(*ring->currency(request.unit), *ring, {*effect.unit}, view.totals, now)
                           : tokens_json(*ring, now));
    effect.answer = answer.dump();
    return effect;
  };
  out.done = [&units](bool) {
    // What is committed is in force; if the database is away right now, the next look finds it.
    (void)units.refresh();
  };
  return out;
}

AdminTask units_task(LiveUnits& units, const Clock& clock) {
  AdminTask out;
  out.action = "units";
  out.arguments = "{}";
  out.plan = [&units, &clock](const AdminView& view) -> Result<AdminEffect> {
    TRY(const auto ring, units.ring_of(view, {}));
    const UnixSeconds now = clock.now_seconds();
    json::Array list;
    for (const CurrencyConfiguration& each : ring->currencies())
      list.push_back(unit_json(each, *ring, view.units, view.totals, now));
    Value answer;
    answer.set("units", std::move(list))
        .set("liabilities_msat", number(view.totals.liabilities_msat()))
        .set("assets_msat", number(view.totals.assets_msat()));
    return AdminEffect{{}, {}, {}, answer.dump()};
  };
  return out;
}

AdminTask audit_task(Ledger& ledger, std::string_view query) {
  AdminTask out;
  out.action = "audit";
  const auto page = page_of(query);
  if (!page) {
    out.arguments = "{}";
    out.plan = [error = page.error()](const AdminView&) -> Result<AdminEffect> {
      return std::unexpected(error);
    };
    return out;
  }
  Value arguments;
  arguments.set("before", page->before).set("limit", std::uint64_t{page->limit});
  out.arguments = arguments.dump();
  // Read before the call itself has a line, and not within its transaction.
  out.plan = [lines = ledger.audit(page->before, page->limit)](const AdminView&) -> Result<AdminEffect> {
    if (!lines) return std::unexpected(lines.error());
    json::Array list;
    for (const AuditLine& line : *lines) list.push_back(line_json(line));
    Value answer;
    answer.set("calls", std::move(list));
    return AdminEffect{{}, {}, {}, answer.dump()};
  };
  return out;
}

}  // namespace manastr::mint
