#include "harness/base/locations.h"

#include <gtest/gtest.h>
#include <pwd.h>
#include <unistd.h>

#include <cstdlib>
#include <map>
#include <optional>
#include <string>

namespace trireme {
namespace {

// Sets what FindLocations looks at and puts it back.
class LocationsTest : public testing::Test {
 protected:
  void SetUp() override {
    for (const char* name : {"TRIREME_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME", "HOME"}) {
      const char* value = std::getenv(name);
      before_[name] = value == nullptr ? std::nullopt : std::optional<std::string>(value);
      ::unsetenv(name);
    }
  }
  void TearDown() override {
    for (const auto& [name, value] : before_)
      value ? ::setenv(name.c_str(), value->c_str(), 1) : ::unsetenv(name.c_str());
  }
  static void Set(const char* name, const char* value) { ::setenv(name, value, 1); }

 private:
  std::map<std::string, std::optional<std::string>> before_;
};

TEST_F(LocationsTest, PrefersItsOwnVariableThenXdgThenHome) {
  Set("HOME", "/home/user");
  EXPECT_EQ(FindLocations().data, "/home/user/.local/share/trireme");
  EXPECT_EQ(FindLocations().cache, "/home/user/.cache/trireme");
  Set("XDG_DATA_HOME", "/data");
  Set("XDG_CACHE_HOME", "/caches");
  EXPECT_EQ(FindLocations().data, "/data/trireme");
  EXPECT_EQ(FindLocations().cache, "/caches/trireme");
  Set("TRIREME_HOME", "/own");
  EXPECT_EQ(FindLocations().data, "/own/");
  EXPECT_EQ(FindLocations().cache, "/own/cache");
}

TEST_F(LocationsTest, IgnoresRelativePathsOfXdg) {
  Set("HOME", "/home/user");
  Set("XDG_CACHE_HOME", "caches");
  EXPECT_EQ(FindLocations().cache, "/home/user/.cache/trireme");
}

TEST_F(LocationsTest, AsksTheUserDatabaseWithoutAHome) {
  const passwd* user = ::getpwuid(::getuid());
  const std::string home = user == nullptr ? "" : user->pw_dir;
  EXPECT_EQ(HomeFolder(), home);
  Set("HOME", "");
  EXPECT_EQ(HomeFolder(), home);
  Set("HOME", "not/absolute");
  EXPECT_EQ(HomeFolder(), home);
}

TEST_F(LocationsTest, HasNoPlaceForAUserWithoutAHome) {
  EXPECT_TRUE(CheckUserFolders({.data = "/data", .cache = "/caches"}).ok());
  const Status status = CheckUserFolders(Locations());
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().kind, ErrorKind::kInfrastructure);
  EXPECT_EQ(
      status.error().message,
      "there is no place for environments and compiled workloads: HOME is not set, and user " +
          std::to_string(::getuid()) + " has no home in the user database");
}

}  // namespace
}  // namespace trireme
