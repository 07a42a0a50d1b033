// What the tools are called, what they do, and what they take.
#include <array>

#include "agent/tools/toolbox.h"

namespace watchfire::agent {
namespace {

#define SERVICE R"("service":{"type":"string","description":"service_name, as list_profiles shows it"},)"
#define TYPE                                                                                                      \
  R"("type":{"type":"string","description":"profile type, default process_cpu:cpu; others: memory:alloc_space, )" \
  R"(memory:inuse_space, mutex:delay, goroutine"},)"
#define RANGE                                                                                                     \
  R"("since":{"type":"string","description":"how far back from the window's end: 5m, 1h"},)"                      \
  R"("start":{"type":"string","description":"RFC 3339, instead of since; without both: the window of the run"},)" \
  R"("end":{"type":"string","description":"RFC 3339"},)"
#define SIZE                                                                                   \
  R"("nodecount":{"type":"integer","minimum":1,"maximum":1000,"description":"rows at most"},)" \
  R"("max_bytes":{"type":"integer","minimum":4096,"maximum":32768,"description":"of the answer, default 8192"})"
#define FILTERS                                                                                            \
  R"("source":{"type":"string","description":"ebpf, pprof or push; default: the best one there is"},)"     \
  R"("focus":{"type":"string","description":"regular expression: only stacks with a matching function"},)" \
  R"("ignore":{"type":"string","description":"regular expression: no stacks with a matching function"},)"  \
  R"("hide":{"type":"string","description":"regular expression: functions to leave out of the stacks"},)"

constexpr std::array kTools = {
    ToolDefinition{"list_profiles", "Lists services and the profile types each has. Start here.",
                   "{\"type\":\"object\",\"properties\":{" SERVICE
                   R"("type":{"type":"string","description":"only this profile type"},)"
                   R"("source":{"type":"string","description":"only this source"},)" RANGE SIZE
                   "},\"additionalProperties\":false}"},
    ToolDefinition{"top",
                   "The heaviest functions of one service by what they cost themselves (flat) or with all they call "
                   "(cum). Numbers are raw values of the profile, to be cited as they are.",
                   "{\"type\":\"object\",\"properties\":{" SERVICE TYPE RANGE FILTERS
                   R"("sort":{"type":"string","enum":["flat","cum"]},)" SIZE
                   "},\"required\":[\"service\"],\"additionalProperties\":false}"},
    ToolDefinition{
        "peek", "One function between its callers and its callees.",
        "{\"type\":\"object\",\"properties\":{" SERVICE TYPE RANGE FILTERS
        R"("function":{"type":"string","description":"exact name, id such as f12, or regular expression"},)" SIZE
        "},\"required\":[\"service\",\"function\"],\"additionalProperties\":false}"},
    ToolDefinition{"tree", "The call tree from the root, heaviest branches first.",
                   "{\"type\":\"object\",\"properties\":{" SERVICE TYPE RANGE FILTERS
                   R"("min_share":{"type":"number","minimum":0,"maximum":1,"description":"default 0.01"},)"
                   R"("max_depth":{"type":"integer","minimum":1,"maximum":512},)" SIZE
                   "},\"required\":[\"service\"],\"additionalProperties\":false}"},
    ToolDefinition{"diff",
                   "Compares two ranges of time of one service by cost a second: what rose and what fell. The base is "
                   "the range before, unless given.",
                   "{\"type\":\"object\",\"properties\":{" SERVICE TYPE RANGE FILTERS
                   R"("base_start":{"type":"string","description":"RFC 3339"},)"
                   R"("base_end":{"type":"string","description":"RFC 3339"},)" SIZE
                   "},\"required\":[\"service\"],\"additionalProperties\":false}"},
    ToolDefinition{
        "submit_finding",
        "Files one finding. Every evidence query is run again and what does not match is struck; the answer says what "
        "was struck and why, so that it can be corrected and submitted again. Texts hold no numbers and no links: the "
        "checked numbers are shown beside them.",
        R"({"type":"object","properties":{)"
        R"("service":{"type":"string"},)"
        R"("resource":{"type":"string","enum":["cpu","allocations","heap","locks","goroutines"]},)"
        R"("cause_class":{"type":"string","description":"one word, such as regex_compile, lock_contention, own_code"},)"
        R"("function":{"type":"string","description":"the function to change: exact name or id"},)"
        R"("title":{"type":"string","description":"one line: what is wrong, without numbers"},)"
        R"("explanation":{"type":"string","description":"why this is the cause, without numbers"},)"
        R"("other_explanation":{"type":"string","description":"what else could explain it"},)"
        R"("test":{"type":"string","description":"what would tell the explanations apart"},)"
        R"("advice":{"type":"string","description":"what to change"},)"
        R"("share":{"type":"number","minimum":0,"maximum":1,"description":"of the service's total: the function's )"
        R"(cum_share or flat_share"},)"
        R"("amount":{"type":"number","description":"the function's cum_amount, or flat_share times the total amount"},)"
        R"("gain_bound":{"type":"number","description":"at most this can be gained; not more than amount"},)"
        R"("confidence":{"type":"number","minimum":0,"maximum":1},)"
        R"("evidence":{"type":"array","minItems":1,"maxItems":8,"items":{"type":"object","properties":{)"
        R"("query":{"type":"string","description":"query of the answer's cite line"},)"
        R"("start":{"type":"string","description":"start of the cite line"},)"
        R"("end":{"type":"string","description":"end of the cite line"},)"
        R"("function":{"type":"string","description":"exact name or id; without it only total and samples"},)"
        R"("numbers":{"type":"array","minItems":1,"maxItems":8,"items":{"type":"object","properties":{)"
        R"("name":{"type":"string","enum":["flat","cum","total","samples"]},"value":{"type":"number"}},)"
        R"("required":["name","value"],"additionalProperties":false}}},)"
        R"("required":["query","start","end","numbers"],"additionalProperties":false}}},)"
        R"("required":["service","resource","cause_class","function","title","explanation","share","amount",)"
        R"("gain_bound","confidence","evidence"],"additionalProperties":false})"},
};

#undef SERVICE
#undef TYPE
#undef RANGE
#undef SIZE
#undef FILTERS

}  // namespace

std::span<const ToolDefinition> Toolbox::definitions() {
  return kTools;
}

}  // namespace watchfire::agent
