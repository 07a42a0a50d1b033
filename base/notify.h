#pragma once

#include <string_view>

namespace watchfire {

/// Tells the service manager a state such as "READY=1" or "STOPPING=1" over $NOTIFY_SOCKET; does nothing without one.
/// Protocol: sd_notify(3).
void notify_service_manager(std::string_view state);

}  // namespace watchfire
