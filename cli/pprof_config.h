#pragma once

#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "profile/report.h"

namespace watchfire::cli {

/// The variables of pprof: its flags set them, its shell assigns and lists them.
struct PprofConfig {
  profile::ReportOptions report;  ///< granularity and cum_sort of it are set by report_options() only
  std::string output;             ///< file to write to, "" for stdout
  std::string sort = "flat";
  std::string granularity;  ///< "": what suits the report
  bool normalize = false;
  bool intel_syntax = false;

  profile::ReportOptions report_options() const;
};

/// One variable: how it is reached in a config, the values it may have when they are few, and what it does in a line.
struct ConfigField {
  using Target = std::variant<bool*, int*, double*, std::string*>;

  std::string_view name;
  Target (*target)(PprofConfig&);
  std::string_view help;
  std::span<const std::string_view> choices = {};

  bool is_bool(PprofConfig config = {}) const { return std::holds_alternative<bool*>(target(config)); }
};

/// All variables, in no order that matters.
std::span<const ConfigField> config_fields();
/// The variable of this name, or the one that has it as a choice; nullptr when there is none.
const ConfigField* find_config_field(std::string_view name);
/// What a choice such as "lines" means, in a line.
std::string_view choice_help(std::string_view choice);

/// The value as Go prints it.
std::string config_value(const ConfigField& field, PprofConfig config);
/// Assigns text; `name` is the variable's, or one of its choices with a true value. Fails with pprof's messages.
Status configure(PprofConfig& config, std::string_view name, std::string_view value);

}  // namespace watchfire::cli
