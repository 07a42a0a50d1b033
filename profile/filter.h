#pragma once

#include <map>
#include <string>
#include <vector>

#include "profile/profile.h"

namespace watchfire::profile {

/// Which samples and frames a report sees; every field is empty or a regular expression (tagfocus and tagignore:
/// or a range of numbers), with the meaning pprof's flag of that name has.
struct Filters {
  std::string focus;
  std::string ignore;
  std::string hide;
  std::string show;
  std::string show_from;
  std::string prune_from;
  std::string tagfocus;
  std::string tagignore;
  std::string tagshow;
  std::string taghide;
};

/// Units of numeric labels by key: how they are displayed and compared.
using LabelUnits = std::map<std::string, std::string, std::less<>>;

/// The unit of each numeric label's key: the first one met, else what the key itself says. `notes` gets a line for
/// each key that came with several.
LabelUnits label_units(const Profile& p, std::vector<std::string>& notes);

/// Filters the profile in place. `notes` gets a line for each filter that matched nothing. On failure (a broken
/// pattern) the profile is unchanged.
Status apply_filters(Profile& p, const Filters& filters, const LabelUnits& units, std::vector<std::string>& notes);

}  // namespace watchfire::profile
