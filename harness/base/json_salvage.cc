#include "harness/base/json_salvage.h"

#include <utility>
#include <vector>

#include "harness/base/strings.h"

namespace trireme {
namespace {

// Builds the value as the parser goes and keeps what it has when the parser stops.
class Builder final : public nlohmann::json_sax<Json> {
 public:
  bool null() override { return Add(nullptr); }
  bool boolean(bool value) override { return Add(value); }
  bool number_integer(number_integer_t value) override { return Add(value); }
  bool number_unsigned(number_unsigned_t value) override { return Add(value); }
  bool number_float(number_float_t value, const string_t&) override { return Add(value); }
  bool string(string_t& value) override { return Add(std::move(value)); }
  bool binary(binary_t&) override { return false; }
  bool start_object(size_t) override { return Open(Json::object()); }
  bool start_array(size_t) override { return Open(Json::array()); }
  bool key(string_t& name) override {
    open_.back().key = std::move(name);
    return true;
  }
  bool end_object() override { return Close(); }
  bool end_array() override { return Close(); }
  bool parse_error(size_t position, const std::string&,
                   const nlohmann::detail::exception& error) override {
    damage_ = "damaged at byte " + std::to_string(position) + ": " + ToValidUtf8(error.what());
    return false;
  }

  SalvagedJson Finish() {
    while (!open_.empty()) Close();
    return {std::move(root_), std::move(damage_)};
  }

 private:
  struct Level {
    Json value;
    std::string key;  // of the member that comes next, in an object
  };

  bool Add(Json value) {
    if (open_.empty())
      root_ = std::move(value);
    else if (open_.back().value.is_array())
      open_.back().value.push_back(std::move(value));
    else
      open_.back().value[open_.back().key] = std::move(value);
    return true;
  }

  bool Open(Json value) {
    if (open_.size() == kMaxJsonDepth) {
      damage_ = "nested deeper than " + std::to_string(kMaxJsonDepth) + " levels";
      return false;
    }
    open_.push_back({std::move(value), ""});
    return true;
  }

  bool Close() {
    Json value = std::move(open_.back().value);
    open_.pop_back();
    return Add(std::move(value));
  }

  std::vector<Level> open_;
  Json root_;
  std::string damage_;
};

}  // namespace

SalvagedJson SalvageJson(std::string_view text) {
  Builder builder;
  Json::sax_parse(text, &builder);
  return builder.Finish();
}

}  // namespace trireme
