#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/config_tree.h"
#include "base/labels.h"
#include "base/result.h"

namespace re2 {
class RE2;
}

namespace watchfire::collectors {

/// One rule of Prometheus' relabel_configs. Immutable once read.
struct RelabelRule {
  enum class Action {
    kReplace,
    kKeep,
    kDrop,
    kKeepEqual,
    kDropEqual,
    kHashMod,
    kLabelMap,
    kLabelDrop,
    kLabelKeep,
    kLowercase,
    kUppercase,
  };
  Action action = Action::kReplace;
  std::vector<std::string> source_labels;
  std::string separator = ";";
  std::shared_ptr<const re2::RE2> regex;  ///< anchored at both ends, dot matches newline
  std::string target_label;
  std::string replacement = "$1";
  uint64_t modulus = 0;
};

/// Reads `relabel_configs`' one item; errors for unknown actions, bad regular expressions, and keys an action needs
/// or can't have.
Result<RelabelRule> read_relabel_rule(const ConfigValue& value, const std::string& what);

/// Applies the rules in order; nothing when a rule drops the target.
std::optional<Labels> relabel(Labels labels, const std::vector<RelabelRule>& rules);

}  // namespace watchfire::collectors
