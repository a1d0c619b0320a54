#include "common/config/file_watcher.h"

#include <gtest/gtest.h>

#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests/support/temporary_folder.h"

namespace manastr::config {
namespace {

namespace fs = std::filesystem;
using test::TemporaryFolder;

constexpr Millis kQuiet{5};

Result<std::string> read_file(const std::string& path) {
  std::ifstream in(path);
  if (!in) return invalid("there is no file");
  std::ostringstream out;
  out << in.rdbuf();
  if (out.str() == "broken") return invalid("it is broken");
  return out.str();
}

/// A file's text, reloaded, and the reports of it.
class Watched {
 public:
  explicit Watched(const std::string& path) {
    auto started = Reloading<std::string>::start(
        path, "first", [path] { return read_file(path); },
        [this](const Status& status) {
          const std::lock_guard lock(mutex_);
          last_error_ = status ? "" : status.error().message;
          ++reports_;
          changed_.notify_all();
        },
        kQuiet);
    EXPECT_TRUE(started) << started.error().message;
    reloading_ = *std::move(started);
  }
  std::string text() const { return *reloading_->current(); }
  bool becomes(const std::string& wanted) {
    return wait([&] { return text() == wanted; });
  }
  bool reports(const std::string& error) {
    return wait([&] { return last_error_ == error; });
  }

 private:
  template <class Condition>
  bool wait(Condition condition) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds{20}, condition);
  }
  std::mutex mutex_;
  std::condition_variable changed_;
  std::string last_error_ = "none yet";
  int reports_ = 0;
  std::unique_ptr<Reloading<std::string>> reloading_;
};

TEST(FileWatcher, sees_a_file_written_in_place) {
  const TemporaryFolder folder;
  const std::string path = folder.write("a.toml", "one");
  Watched watched(path);
  EXPECT_EQ(watched.text(), "one");  // what changed before the watch began counts too
  folder.write("a.toml", "two");
  EXPECT_TRUE(watched.becomes("two"));
}

TEST(FileWatcher, sees_a_file_renamed_over_it) {
  const TemporaryFolder folder;
  Watched watched(folder.write("a.toml", "one"));
  for (const std::string next : {"two", "three"}) {
    fs::rename(folder.write("a.toml.tmp", next), folder.path("a.toml"));
    EXPECT_TRUE(watched.becomes(next));
  }
}

TEST(FileWatcher, sees_a_swapped_symlink) {
  const TemporaryFolder folder;
  folder.write("v1/a.toml", "one");
  folder.write("v2/a.toml", "two");
  fs::create_symlink("v1/a.toml", folder.path("a.toml"));
  Watched watched(folder.path("a.toml"));
  fs::create_symlink("v2/a.toml", folder.path("next"));
  fs::rename(folder.path("next"), folder.path("a.toml"));
  EXPECT_TRUE(watched.becomes("two"));
  folder.write("v2/a.toml", "three");  // the target itself, in another folder
  EXPECT_TRUE(watched.becomes("three"));
}

TEST(FileWatcher, sees_a_mounted_volume_turn_over_as_kubernetes_does_it) {
  const TemporaryFolder folder;
  folder.write("..2026_1/auth.toml", "one");
  fs::create_symlink("..2026_1", folder.path("..data"));
  fs::create_symlink("..data/auth.toml", folder.path("auth.toml"));
  Watched watched(folder.path("auth.toml"));
  EXPECT_EQ(watched.text(), "one");
  for (const std::string number : {"2", "3"}) {
    folder.write("..2026_" + number + "/auth.toml", number);
    fs::create_symlink("..2026_" + number, folder.path("..data_tmp"));
    fs::rename(folder.path("..data_tmp"), folder.path("..data"));
    EXPECT_TRUE(watched.becomes(number));
  }
}

TEST(FileWatcher, sees_a_symlinked_folder_on_the_way_change) {
  const TemporaryFolder folder;
  folder.write("blue/etc/a.toml", "blue");
  folder.write("green/etc/a.toml", "green");
  fs::create_directory_symlink(folder.path("blue"), folder.path("current"));
  Watched watched(folder.path("current/etc/a.toml"));
  EXPECT_EQ(watched.text(), "blue");
  fs::create_directory_symlink(folder.path("green"), folder.path("next"));
  fs::rename(folder.path("next"), folder.path("current"));
  EXPECT_TRUE(watched.becomes("green"));
}

TEST(FileWatcher, waits_for_a_file_and_folder_that_are_not_there_yet) {
  const TemporaryFolder folder;
  Watched watched(folder.path("later/deep/a.toml"));
  EXPECT_TRUE(watched.reports("there is no file"));
  EXPECT_EQ(watched.text(), "first");
  fs::create_directories(folder.path("elsewhere/deep"));
  folder.write("elsewhere/deep/a.toml", "here");
  fs::rename(folder.path("elsewhere"), folder.path("later"));
  EXPECT_TRUE(watched.becomes("here"));
  fs::remove_all(folder.path("later"));
  EXPECT_TRUE(watched.reports("there is no file"));
  EXPECT_EQ(watched.text(), "here");
  folder.write("later/deep/a.toml", "again");
  EXPECT_TRUE(watched.becomes("again"));
}

TEST(FileWatcher, a_broken_file_keeps_the_old_values_and_says_so) {
  const TemporaryFolder folder;
  Watched watched(folder.write("a.toml", "one"));
  folder.write("a.toml", "broken");
  EXPECT_TRUE(watched.reports("it is broken"));
  EXPECT_EQ(watched.text(), "one");
  folder.write("a.toml", "two");
  EXPECT_TRUE(watched.becomes("two"));
}

TEST(FileWatcher, links_in_a_ring_end) {
  const TemporaryFolder folder;
  fs::create_symlink("b", folder.path("a"));
  fs::create_symlink("a", folder.path("b"));
  Watched watched(folder.path("a"));
  fs::remove(folder.path("a"));
  folder.write("a", "a file at last");
  EXPECT_TRUE(watched.becomes("a file at last"));
}

}  // namespace
}  // namespace manastr::config
