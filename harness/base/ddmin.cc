#include "harness/base/ddmin.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <numeric>
#include <utility>

namespace trireme {
namespace {

using Subset = std::vector<size_t>;

// `all` in `parts` pieces, as equal as can be.
std::vector<Subset> Pieces(const Subset& all, size_t parts) {
  std::vector<Subset> pieces;
  for (size_t i = 0; i < parts; ++i) {
    const auto at = [&](size_t k) {
      return all.begin() + static_cast<std::ptrdiff_t>(all.size() * k / parts);
    };
    pieces.emplace_back(at(i), at(i + 1));
  }
  return pieces;
}

Subset Without(const Subset& all, const Subset& piece) {
  Subset rest;
  std::set_difference(all.begin(), all.end(), piece.begin(), piece.end(), std::back_inserter(rest));
  return rest;
}

class Minimiser {
 public:
  Minimiser(size_t count, const std::function<SubsetOutcome(const Subset&)>& test) : test_(test) {
    result_.kept.resize(count);
    std::iota(result_.kept.begin(), result_.kept.end(), size_t{0});
  }

  Minimum Run() {
    result_.reproduced = Fails(result_.kept);
    if (!result_.reproduced || Take({})) return std::move(result_);
    size_t parts = 2;
    while (result_.kept.size() > 1 && !result_.stopped) {
      parts = std::min(parts, result_.kept.size());
      const std::vector<Subset> pieces = Pieces(result_.kept, parts);
      if (TakePiece(pieces))
        parts = 2;
      else if (TakeComplement(pieces))
        parts = std::max<size_t>(parts - 1, 2);
      else if (parts == result_.kept.size())
        break;
      else
        parts *= 2;
    }
    return std::move(result_);
  }

 private:
  bool TakePiece(const std::vector<Subset>& pieces) {
    return std::any_of(pieces.begin(), pieces.end(),
                       [&](const Subset& piece) { return Take(piece); });
  }

  bool TakeComplement(const std::vector<Subset>& pieces) {
    const Subset all = result_.kept;
    return std::any_of(pieces.begin(), pieces.end(),
                       [&](const Subset& piece) { return Take(Without(all, piece)); });
  }

  // Goes on with `subset` where it fails.
  bool Take(const Subset& subset) {
    if (!Fails(subset)) return false;
    result_.kept = subset;
    return true;
  }

  bool Fails(const Subset& subset) {
    if (result_.stopped) return false;
    if (const auto known = known_.find(subset); known != known_.end()) return known->second;
    const SubsetOutcome outcome = test_(subset);
    if (outcome == SubsetOutcome::kStop) {
      result_.stopped = true;
      return false;
    }
    ++result_.tests;
    return known_[subset] = outcome == SubsetOutcome::kFails;
  }

  const std::function<SubsetOutcome(const Subset&)>& test_;
  std::map<Subset, bool> known_;
  Minimum result_;
};

}  // namespace

Minimum Ddmin(size_t count, const std::function<SubsetOutcome(const std::vector<size_t>&)>& test) {
  return Minimiser(count, test).Run();
}

}  // namespace trireme
