// Findings that a model filed: how they come and go.
#include <gtest/gtest.h>

#include "findings/journal.h"
#include "tests/support/temp_dir.h"

namespace watchfire::findings {
namespace {

Finding filed(const std::string& key, Life life = Life::kNew) {
  Finding f;
  f.key = key;
  f.service = UntrustedText("svc");
  f.author = "model";
  f.amount = f.share = 0.5;
  f.samples = 1000;
  f.life = life;
  return f;
}

Digest digest(std::vector<Finding> list, UnixNs created) {
  Digest d;
  d.created = created;
  d.findings = std::move(list);
  ServiceSummary s;
  s.service = UntrustedText("svc");
  d.services.push_back(s);
  return d;
}

class Filed : public ::testing::Test {
 protected:
  test::TempDir dir_;
  std::unique_ptr<Journal> journal_ = *Journal::open(dir_.path() + "/journal.json");
};

TEST_F(Filed, the_same_finding_filed_twice_is_one) {
  ASSERT_TRUE(journal_->file(filed("a")));
  Finding again = filed("a");
  again.amount = 0.7;
  ASSERT_TRUE(journal_->file(again));
  auto taken = journal_->take_filed();
  ASSERT_EQ(taken.size(), 1u);
  EXPECT_EQ(taken[0].amount, 0.7);
  EXPECT_TRUE(journal_->take_filed().empty());
}

TEST_F(Filed, what_waits_for_a_digest_survives_a_restart_until_one_has_it) {
  ASSERT_TRUE(journal_->file(filed("a")));
  journal_ = *Journal::open(dir_.path() + "/journal.json");
  auto taken = journal_->take_filed();
  ASSERT_EQ(taken.size(), 1u);
  EXPECT_EQ(taken[0].key, "a");
  EXPECT_EQ((*Journal::open(dir_.path() + "/journal.json"))->take_filed().size(), 1u) << "no digest has it yet";
  Digest d = digest(std::move(taken), now_ns());
  ASSERT_TRUE(journal_->update(d));
  EXPECT_TRUE((*Journal::open(dir_.path() + "/journal.json"))->take_filed().empty());
}

TEST_F(Filed, a_models_finding_stays_open_until_it_is_measured_as_fixed) {
  UnixNs t = now_ns();
  Digest first = digest({filed("a")}, t);
  ASSERT_TRUE(journal_->update(first));
  EXPECT_EQ(first.findings[0].life, Life::kNew);
  Digest silent = digest({}, t + kMinute);
  ASSERT_TRUE(journal_->update(silent));
  EXPECT_TRUE(silent.fixed.empty());
  EXPECT_EQ(journal_->open_findings().size(), 1u);
  Digest measured = digest({filed("a", Life::kFixed)}, t + 2 * kMinute);
  ASSERT_TRUE(journal_->update(measured));
  EXPECT_TRUE(measured.findings.empty());
  ASSERT_EQ(measured.fixed.size(), 1u);
  EXPECT_TRUE(journal_->open_findings().empty());
  Digest twice = digest({filed("a", Life::kFixed), filed("unknown", Life::kFixed)}, t + 3 * kMinute);
  ASSERT_TRUE(journal_->update(twice));
  EXPECT_TRUE(twice.fixed.empty());
  EXPECT_TRUE(twice.findings.empty());
}

TEST_F(Filed, an_analysts_finding_is_fixed_when_it_is_gone) {
  Finding f = filed("b");
  f.author = "analyst";
  Digest first = digest({f}, now_ns());
  ASSERT_TRUE(journal_->update(first));
  Digest gone = digest({}, now_ns());
  ASSERT_TRUE(journal_->update(gone));
  EXPECT_EQ(gone.fixed.size(), 1u);
}

}  // namespace
}  // namespace watchfire::findings
