// Reads through the C library's own buffers, by every function that may fill one.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <wchar.h>

#include <array>
#include <atomic>
#include <iterator>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "tests/harness/probe/waits_case.h"

// What <stdio.h> makes inline, and what the C library checks for _FORTIFY_SOURCE.
extern "C" {
int _IO_getc(FILE*);
int __uflow(FILE*);
int __underflow(FILE*);
ssize_t __getdelim(char**, size_t*, int, FILE*);
size_t __fread_chk(void*, size_t, size_t, size_t, FILE*);
size_t __fread_unlocked_chk(void*, size_t, size_t, size_t, FILE*);
char* __fgets_chk(char*, size_t, int, FILE*);
char* __fgets_unlocked_chk(char*, size_t, int, FILE*);
int __isoc99_fscanf(FILE*, const char*, ...);
int __isoc99_vfscanf(FILE*, const char*, va_list);
wchar_t* __fgetws_chk(wchar_t*, size_t, int, FILE*);
wchar_t* __fgetws_unlocked_chk(wchar_t*, size_t, int, FILE*);
}
#undef getc
#undef getc_unlocked
#undef getwc
#undef getwc_unlocked
#undef fgetc_unlocked

namespace trireme {
namespace {

using testing::IsEmpty;
using testing::SizeIs;

constexpr size_t kRoom = 16;
using Line = std::array<char, kRoom>;

// Frees what getline(3) makes.
ssize_t ReadAllocated(ssize_t (*read)(char**, size_t*, FILE*), FILE* stream) {
  char* line = nullptr;
  size_t room = 0;
  const ssize_t size = read(&line, &room, stream);
  ::free(line);
  return size;
}

using Scan = int (*)(FILE*, const char*, va_list);
void ScanByte(Scan scan, FILE* stream, const char* format, ...) {
  va_list values;
  va_start(values, format);
  scan(stream, format, values);
  va_end(values);
}
using WideLine = std::array<wchar_t, kRoom>;

struct Reader {
  const char* name;
  bool locks;
  void (*read)(FILE*, Line&);  // of a line of two bytes: some of it or all
};

const Reader kReaders[] = {
    {"fgetc", true, [](FILE* f, Line&) { ::fgetc(f); }},
    {"getc", true, [](FILE* f, Line&) { (::getc)(f); }},
    {"_IO_getc", true, [](FILE* f, Line&) { ::_IO_getc(f); }},
    {"fgetc_unlocked", false, [](FILE* f, Line&) { (::fgetc_unlocked)(f); }},
    {"getc_unlocked", false, [](FILE* f, Line&) { (::getc_unlocked)(f); }},
    {"fread", true, [](FILE* f, Line& to) { (void)!::fread(to.data(), 1, 2, f); }},
    {"fread_unlocked", false,
     [](FILE* f, Line& to) { (void)!(::fread_unlocked)(to.data(), 2, 1, f); }},
    {"__fread_chk", true, [](FILE* f, Line& to) { ::__fread_chk(to.data(), kRoom, 1, 2, f); }},
    {"__fread_unlocked_chk", false,
     [](FILE* f, Line& to) { ::__fread_unlocked_chk(to.data(), kRoom, 1, 2, f); }},
    {"fgets", true, [](FILE* f, Line& to) { (void)!::fgets(to.data(), kRoom, f); }},
    {"fgets_unlocked", false,
     [](FILE* f, Line& to) { (void)!::fgets_unlocked(to.data(), kRoom, f); }},
    {"__fgets_chk", true, [](FILE* f, Line& to) { ::__fgets_chk(to.data(), kRoom, kRoom, f); }},
    {"__fgets_unlocked_chk", false,
     [](FILE* f, Line& to) { ::__fgets_unlocked_chk(to.data(), kRoom, kRoom, f); }},
    {"getline", true, [](FILE* f, Line&) { ReadAllocated(::getline, f); }},
    {"getdelim", true,
     [](FILE* f, Line&) {
       ReadAllocated([](char** l, size_t* n, FILE* s) { return ::getdelim(l, n, '\n', s); }, f);
     }},
    {"__getdelim", true,
     [](FILE* f, Line&) {
       ReadAllocated([](char** l, size_t* n, FILE* s) { return ::__getdelim(l, n, '\n', s); }, f);
     }},
    {"fscanf", true, [](FILE* f, Line& to) { (void)!::fscanf(f, "%c", to.data()); }},
    {"__isoc99_fscanf", true,
     [](FILE* f, Line& to) { (void)!::__isoc99_fscanf(f, "%c", to.data()); }},
    {"vfscanf", true, [](FILE* f, Line& to) { ScanByte(::vfscanf, f, "%c", to.data()); }},
    {"__isoc99_vfscanf", true,
     [](FILE* f, Line& to) { ScanByte(::__isoc99_vfscanf, f, "%c", to.data()); }},
    {"fwscanf", true, [](FILE* f, Line& to) { (void)!::fwscanf(f, L"%c", to.data()); }},
    {"fgetwc", true, [](FILE* f, Line&) { ::fgetwc(f); }},
    {"getwc", true, [](FILE* f, Line&) { (::getwc)(f); }},
    {"fgetwc_unlocked", false, [](FILE* f, Line&) { (::fgetwc_unlocked)(f); }},
    {"getwc_unlocked", false, [](FILE* f, Line&) { (::getwc_unlocked)(f); }},
    {"fgetws", true,
     [](FILE* f, Line&) { (void)!::fgetws(WideLine{}.data(), kRoom, f); }},
    {"fgetws_unlocked", false,
     [](FILE* f, Line&) { (void)!::fgetws_unlocked(WideLine{}.data(), kRoom, f); }},
    {"__fgetws_chk", true,
     [](FILE* f, Line&) { ::__fgetws_chk(WideLine{}.data(), kRoom, kRoom, f); }},
    {"__fgetws_unlocked_chk", false,
     [](FILE* f, Line&) { ::__fgetws_unlocked_chk(WideLine{}.data(), kRoom, kRoom, f); }},
};
// Only where a buffer is empty; not in kReaders, for they are called so, or want more than a line.
const Reader kFillers[] = {{"__uflow", false, [](FILE* f, Line&) { ::__uflow(f); }},
                           {"__underflow", false, [](FILE* f, Line&) { ::__underflow(f); }},
                           {"getw", true, [](FILE* f, Line&) { ::getw(f); }}};

struct CloseStream {
  void operator()(FILE* stream) const { ::fclose(stream); }
};
using Stream = std::unique_ptr<FILE, CloseStream>;

class StreamsTest : public WaitsTest {
 protected:
  static Stream Open(int fd) { return Stream(::fdopen(::dup(fd), "r")); }
  void Send(std::string_view bytes) {
    ASSERT_EQ(::send(theirs_.get(), bytes.data(), bytes.size(), 0),
              static_cast<ssize_t>(bytes.size()));
  }
  // One thread reads the one by it, then another the other; each until the other end closes.
  std::vector<std::string> MeetingsOf(const Reader& reader, FILE* one, FILE* other,
                                      long second_waits_in) {
    Line lines[2];
    {
      const Sleeper first([&] { reader.read(one, lines[0]); });
      first.AwaitSleep(SYS_read);
      const Sleeper second([&] { reader.read(other, lines[1]); });
      second.AwaitSleep(second_waits_in);
      ::shutdown(theirs_.get(), SHUT_RDWR);
    }
    return Meetings();
  }
};

TEST_F(StreamsTest, TwoStreamsOfOneSocketMeet) {
  for (const auto& readers : {std::vector<Reader>(std::begin(kReaders), std::end(kReaders)),
                              std::vector<Reader>(std::begin(kFillers), std::end(kFillers))})
    for (const Reader& reader : readers) {
      SCOPED_TRACE(reader.name);
      Begin({});
      const Stream one = Open(ours_.get());
      const Stream other = Open(ours_.get());
      EXPECT_THAT(MeetingsOf(reader, one.get(), other.get(), SYS_read), SizeIs(1));
    }
}

TEST_F(StreamsTest, WhoWaitsForTheStreamDoesNotWaitForTheSocket) {
  for (const Reader& reader : kReaders) {
    if (!reader.locks) continue;
    SCOPED_TRACE(reader.name);
    Begin({});
    const Stream stream = Open(ours_.get());
    EXPECT_THAT(MeetingsOf(reader, stream.get(), stream.get(), SYS_futex), IsEmpty());
    EXPECT_EQ(unseen_, 0u);
  }
}

TEST_F(StreamsTest, WhatTheBufferHasIsNotReadAgain) {
  for (const Reader& reader : kReaders) {
    SCOPED_TRACE(reader.name);
    Begin({});
    const Stream stream = Open(ours_.get());
    Send("1\n2\n");
    ASSERT_EQ(::fgetc(stream.get()), '1');
    ASSERT_EQ(::fgetc(stream.get()), '\n');
    {
      const Sleeper sleeper([&] { ReadByte(ours_.get()); });
      sleeper.AwaitSleep(SYS_recvfrom);
      Line line{};
      reader.read(stream.get(), line);
      Send("3");
    }
    EXPECT_THAT(Meetings(), IsEmpty());
  }
}

TEST_F(StreamsTest, MeetsWhereTheBufferLacksTheEndOfTheLine) {
  const Stream stream = Open(ours_.get());
  Send("12");
  ASSERT_EQ(::fgetc(stream.get()), '1');
  {
    const Sleeper sleeper([&] { ReadByte(ours_.get()); });
    sleeper.AwaitSleep(SYS_recvfrom);
    const Sleeper reader([&] {
      Line line{};
      EXPECT_NE(::fgets(line.data(), kRoom, stream.get()), nullptr);
    });
    reader.AwaitSleep(SYS_read);
    ::shutdown(theirs_.get(), SHUT_RDWR);
  }
  EXPECT_THAT(Meetings(), SizeIs(1));
}

TEST_F(StreamsTest, ACancelledThreadGivesTheLockBackAndWaitsNoMore) {
  const Stream stream = Open(ours_.get());
  pthread_t thread{};
  std::atomic<pid_t> id{0};
  struct Argument {
    FILE* stream;
    std::atomic<pid_t>* id;
  } argument{stream.get(), &id};
  const auto body = [](void* given) -> void* {
    const auto* to = static_cast<Argument*>(given);
    to->id->store(static_cast<pid_t>(::syscall(SYS_gettid)));
    ::fgetc(to->stream);
    return nullptr;
  };
  ASSERT_EQ(::pthread_create(&thread, nullptr, body, &argument), 0);
  while (id == 0) std::this_thread::yield();
  while (!IsIn("/proc/self/task/" + std::to_string(id) + "/syscall", SYS_read))
    std::this_thread::yield();
  ASSERT_EQ(::pthread_cancel(thread), 0);
  ASSERT_EQ(::pthread_join(thread, nullptr), 0);
  ASSERT_EQ(::ftrylockfile(stream.get()), 0);
  ::funlockfile(stream.get());
  Send("1");
  EXPECT_EQ(ReadByte(ours_.get()), '1');
  {
    const Sleeper next([&] { ::fgetc(stream.get()); });  // and hides nobody who reads after it
    next.AwaitSleep(SYS_read);
    EXPECT_THAT(Meetings(), IsEmpty());
    const Sleeper other([&] { ReadByte(ours_.get()); });
    other.AwaitSleep(SYS_recvfrom);
    ::shutdown(theirs_.get(), SHUT_RDWR);
  }
  EXPECT_THAT(Meetings(), SizeIs(1));
}

TEST_F(StreamsTest, WhatAWideBufferHasIsNotReadAgain) {
  const Stream stream = Open(ours_.get());
  Send("12");
  ASSERT_EQ(::fgetwc(stream.get()), static_cast<wint_t>('1'));
  {
    const Sleeper sleeper([&] { ReadByte(ours_.get()); });
    sleeper.AwaitSleep(SYS_recvfrom);
    EXPECT_EQ(::fgetwc(stream.get()), static_cast<wint_t>('2'));
    Send("3");
  }
  EXPECT_THAT(Meetings(), IsEmpty());
}

TEST_F(StreamsTest, FilesAndMemoryReadAsEver) {
  const std::string path = JoinPath(folder_.path(), "file");
  ASSERT_TRUE(WriteFile(path, "1\n2\n").ok());
  std::string text = "1\n2\n";
  for (FILE* opened : {::fopen(path.c_str(), "r"), ::fmemopen(text.data(), text.size(), "r")}) {
    const Stream stream(opened);
    Line line{};
    EXPECT_STREQ(::fgets(line.data(), kRoom, opened), "1\n");
    EXPECT_EQ(::fgetc(opened), '2');
    EXPECT_EQ(::fread(line.data(), 2, 4, opened), 0u);
    EXPECT_EQ(::fgetc(opened), EOF);
  }
}

}  // namespace
}  // namespace trireme
