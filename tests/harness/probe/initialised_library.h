#ifndef TRIREME_TESTS_HARNESS_PROBE_INITIALISED_LIBRARY_H_
#define TRIREME_TESTS_HARNESS_PROBE_INITIALISED_LIBRARY_H_

// Uses sockets, threads, processes and epoll when it is made and when it goes, and prints what came of it.
class User {
 public:
  explicit User(const char* name) : name_(name) { Use("made"); }
  ~User() { Use("gone"); }
  User(const User&) = delete;
  User& operator=(const User&) = delete;
  const char* name() const { return name_; }

 private:
  void Use(const char* when) const;

  const char* name_;
};

// Made by an initialiser of the library.
const User& UserOfLibrary();

#endif  // TRIREME_TESTS_HARNESS_PROBE_INITIALISED_LIBRARY_H_
