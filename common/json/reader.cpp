#include "common/json/reader.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace manastr::json {
namespace {

/// Bytes that end the fast scan of a string: quote, backslash, control characters, anything beyond ASCII.
constexpr std::array<bool, 256> kSpecial = [] {
  std::array<bool, 256> out{};
  for (std::size_t c = 0; c < 256; ++c) out[c] = c < 0x20 || c >= 0x80 || c == '"' || c == '\\';
  return out;
}();

/// Up to this many keys are compared one by one, which needs no memory; more are sorted when the object ends.
constexpr std::size_t kLinearKeys = 16;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

void append_code_point(std::string& out, std::uint32_t point) {
  if (point < 0x80) {
    out.push_back(static_cast<char>(point));
  } else if (point < 0x800) {
    out.push_back(static_cast<char>(0xc0 | point >> 6));
    out.push_back(static_cast<char>(0x80 | (point & 0x3f)));
  } else if (point < 0x10000) {
    out.push_back(static_cast<char>(0xe0 | point >> 12));
    out.push_back(static_cast<char>(0x80 | (point >> 6 & 0x3f)));
    out.push_back(static_cast<char>(0x80 | (point & 0x3f)));
  } else {
    out.push_back(static_cast<char>(0xf0 | point >> 18));
    out.push_back(static_cast<char>(0x80 | (point >> 12 & 0x3f)));
    out.push_back(static_cast<char>(0x80 | (point >> 6 & 0x3f)));
    out.push_back(static_cast<char>(0x80 | (point & 0x3f)));
  }
}

/// Recursive descent, one function per production of RFC 8259. Each returns false after fail().
class Reader {
 public:
  Reader(std::string_view text, const Limits& limits)
      : begin_(text.data()), at_(text.data()), end_(text.data() + text.size()), limits_(limits) {}

  Result<Value> document() {
    Value out;
    skip_space();
    if (!value(out, 0)) return error();
    skip_space();
    if (at_ != end_) {
      fail("unexpected text behind the value");
      return error();
    }
    return out;
  }

 private:
  bool fail(const char* reason) {
    if (reason_ == nullptr) reason_ = reason, failed_at_ = at_;
    return false;
  }
  std::unexpected<Error> error() const {
    return invalid("JSON, byte " + std::to_string(failed_at_ - begin_) + ": " + reason_);
  }
  void skip_space() {
    while (at_ != end_ && (*at_ == ' ' || *at_ == '\n' || *at_ == '\r' || *at_ == '\t')) ++at_;
  }
  bool take(char c) {
    if (at_ == end_ || *at_ != c) return false;
    ++at_;
    return true;
  }

  bool value(Value& out, std::size_t depth) {
    if (++values_ > limits_.values) return fail("too many values");
    if (at_ == end_) return fail("unexpected end");
    switch (*at_) {
      case '{':
        return object(out, depth + 1);
      case '[':
        return array(out, depth + 1);
      case '"': {
        std::string text;
        if (!string(text)) return false;
        out = Value(std::move(text));
        return true;
      }
      case 't':
        return literal("true", true, out);
      case 'f':
        return literal("false", false, out);
      case 'n':
        return literal("null", nullptr, out);
      default:
        return number(out);
    }
  }

  bool literal(std::string_view word, Value meaning, Value& out) {
    if (static_cast<std::size_t>(end_ - at_) < word.size() || std::string_view(at_, word.size()) != word) {
      return fail("expected a value");
    }
    at_ += word.size();
    out = std::move(meaning);
    return true;
  }

  bool array(Value& out, std::size_t depth) {
    if (depth > limits_.depth) return fail("nested too deeply");
    ++at_;
    Array items;
    skip_space();
    if (!take(']')) {
      do {
        skip_space();
        if (!value(items.emplace_back(), depth)) return false;
        skip_space();
      } while (take(','));
      if (!take(']')) return fail("expected ',' or ']'");
    }
    out = Value(std::move(items));
    return true;
  }

  bool object(Value& out, std::size_t depth) {
    if (depth > limits_.depth) return fail("nested too deeply");
    ++at_;
    Object members;
    skip_space();
    if (!take('}')) {
      do {
        skip_space();
        if (!member(members, depth)) return false;
        skip_space();
      } while (take(','));
      if (!take('}')) return fail("expected ',' or '}'");
    }
    if (members.size() > kLinearKeys && has_duplicate(members))
      return fail("duplicate key in the object ending here");
    out = Value(std::move(members));
    return true;
  }

  bool member(Object& members, std::size_t depth) {
    if (at_ == end_ || *at_ != '"') return fail("expected a key in quotes");
    if (members.empty()) members.reserve(6);  // most objects of the field have 3 to 7 members
    const char* const start = at_;
    std::string key;
    if (!string(key)) return false;
    if (members.size() < kLinearKeys) {
      for (const Member& other : members) {
        if (other.first == key) {
          at_ = start;
          return fail("duplicate key");
        }
      }
    }
    skip_space();
    if (!take(':')) return fail("expected ':'");
    skip_space();
    return value(members.emplace_back(std::move(key), Value()).second, depth);
  }

  static bool has_duplicate(const Object& members) {
    std::vector<std::string_view> keys;
    keys.reserve(members.size());
    for (const Member& member : members) keys.push_back(member.first);
    std::sort(keys.begin(), keys.end());
    return std::adjacent_find(keys.begin(), keys.end()) != keys.end();
  }

  bool string(std::string& out) {
    const char* const opening = at_++;
    const char* segment = at_;
    bool beyond_ascii = false;
    for (;;) {
      while (at_ != end_ && !kSpecial[static_cast<unsigned char>(*at_)]) ++at_;
      if (at_ == end_) return fail("unterminated string");
      const auto byte = static_cast<unsigned char>(*at_);
      if (byte >= 0x80) {
        beyond_ascii = true;
        ++at_;
        continue;
      }
      if (byte < 0x20) return fail("control character in a string: escape it");
      out.append(segment, at_);
      if (out.size() > limits_.string_bytes) return fail("string too long");
      if (byte == '"') break;
      if (!escape(out)) return false;
      segment = at_;
    }
    ++at_;
    // Escapes are ASCII, so the raw text is well-formed exactly when the unescaped bytes in it are.
    if (beyond_ascii && !is_utf8({opening, static_cast<std::size_t>(at_ - opening)})) {
      at_ = opening;
      return fail("string is not UTF-8");
    }
    return true;
  }

  bool escape(std::string& out) {
    if (end_ - at_ < 2) return fail("unterminated string");
    const char letter = at_[1];
    if (letter == 'u') return unicode_escape(out);
    static constexpr std::string_view kLetters = "\"\\/bfnrt";
    static constexpr std::string_view kMeanings = "\"\\/\b\f\n\r\t";
    const auto index = kLetters.find(letter);
    if (index == std::string_view::npos) return fail("unknown escape");
    out.push_back(kMeanings[index]);
    at_ += 2;
    return true;
  }

  bool unicode_escape(std::string& out) {
    std::uint32_t point = 0;
    if (!code_unit(point)) return false;
    if (point >= 0xdc00 && point <= 0xdfff) return fail("lone surrogate");
    if (point >= 0xd800 && point <= 0xdbff) {
      std::uint32_t low = 0;
      if (end_ - at_ < 2 || at_[0] != '\\' || at_[1] != 'u') return fail("lone surrogate");
      if (!code_unit(low)) return false;
      if (low < 0xdc00 || low > 0xdfff) return fail("lone surrogate");
      point = 0x10000 + ((point - 0xd800) << 10) + (low - 0xdc00);
    }
    append_code_point(out, point);
    return true;
  }

  /// \uXXXX at at_.
  bool code_unit(std::uint32_t& out) {
    if (end_ - at_ < 6) return fail("unterminated string");
    const char* const digits = at_ + 2;
    const auto [stop, status] = std::from_chars(digits, digits + 4, out, 16);
    if (status != std::errc() || stop != digits + 4) return fail("\\u needs four hex digits");
    at_ += 6;
    return true;
  }

  bool number(Value& out) {
    const char* const start = at_;
    const bool negative = take('-');
    if (at_ == end_ || !is_digit(*at_)) {
      at_ = start;
      return fail("expected a value");
    }
    if (*at_ == '0' && end_ - at_ > 1 && is_digit(at_[1])) return fail("number with a leading zero");
    digits();
    bool integer = true;
    if (take('.')) {
      integer = false;
      if (!digits()) return fail("expected a digit");
    }
    if (at_ != end_ && (*at_ == 'e' || *at_ == 'E')) {
      integer = false;
      ++at_;
      if (!take('+')) take('-');
      if (!digits()) return fail("expected a digit");
    }
    if (static_cast<std::size_t>(at_ - start) > kNumberBytes) return fail("number too long");
    if (integer && negative && start[1] != '0') {
      std::int64_t value = 0;
      if (std::from_chars(start, at_, value).ec == std::errc()) return out = Value(value), true;
    } else if (integer && !negative) {
      std::uint64_t value = 0;
      if (std::from_chars(start, at_, value).ec == std::errc()) return out = Value(value), true;
    }
    out = Value(Decimal{std::string(start, at_)});
    return true;
  }
  bool digits() {
    const char* const start = at_;
    while (at_ != end_ && is_digit(*at_)) ++at_;
    return at_ != start;
  }

  static constexpr std::size_t kNumberBytes = 100;

  const char* const begin_;
  const char* at_;
  const char* const end_;
  const Limits& limits_;
  std::size_t values_ = 0;
  const char* reason_ = nullptr;
  const char* failed_at_ = nullptr;
};

}  // namespace

Result<Value> parse(std::string_view text, const Limits& limits) {
  if (text.size() > limits.bytes) {
    return invalid("JSON: " + std::to_string(text.size()) + " bytes, at most " +
                   std::to_string(limits.bytes) + " are taken");
  }
  return Reader(text, limits).document();
}

}  // namespace manastr::json
