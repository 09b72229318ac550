#include "tests/bench/echo_servers.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>
#include <memory>
#include <thread>

namespace trireme {
namespace {

using Buffer = std::array<char, kEchoBuffer>;

void SetNoDelay(int fd) {
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

void SendAll(int fd, const char* data, ssize_t size) {
  while (size > 0) {
    const ssize_t sent = ::send(fd, data, static_cast<size_t>(size), MSG_NOSIGNAL);
    if (sent <= 0) return;
    data += sent;
    size -= sent;
  }
}

void ServeThread(int fd) {
  Buffer buffer;
  for (ssize_t got = 0; (got = ::recv(fd, buffer.data(), buffer.size(), 0)) > 0;)
    SendAll(fd, buffer.data(), got);
  ::close(fd);
}

class AsioSession : public std::enable_shared_from_this<AsioSession> {
 public:
  explicit AsioSession(boost::asio::ip::tcp::socket socket) : socket_(std::move(socket)) {}
  void Read() {
    socket_.async_read_some(
        boost::asio::buffer(buffer_),
        [self = shared_from_this()](const boost::system::error_code& error, size_t size) {
          if (!error) self->Write(size);
        });
  }

 private:
  void Write(size_t size) {
    boost::asio::async_write(
        socket_, boost::asio::buffer(buffer_, size),
        [self = shared_from_this()](const boost::system::error_code& error, size_t) {
          if (!error) self->Read();
        });
  }

  boost::asio::ip::tcp::socket socket_;
  Buffer buffer_;
};

void AcceptByAsio(boost::asio::ip::tcp::acceptor& acceptor) {
  acceptor.async_accept(
      [&acceptor](const boost::system::error_code& error, boost::asio::ip::tcp::socket socket) {
        if (error) return;
        socket.set_option(boost::asio::ip::tcp::no_delay(true));
        std::make_shared<AsioSession>(std::move(socket))->Read();
        AcceptByAsio(acceptor);
      });
}

}  // namespace

void ServeByEpollLoop(int listener) {
  const int epoll = ::epoll_create1(EPOLL_CLOEXEC);
  epoll_event event = {.events = EPOLLIN, .data = {.fd = listener}};
  ::epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event);
  std::array<epoll_event, 128> events;
  Buffer buffer;
  for (;;) {
    const int count = ::epoll_wait(epoll, events.data(), static_cast<int>(events.size()), -1);
    for (int i = 0; i < count; ++i) {
      const int fd = events.at(static_cast<size_t>(i)).data.fd;
      if (fd == listener) {
        const int accepted = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
        SetNoDelay(accepted);
        event = {.events = EPOLLIN, .data = {.fd = accepted}};
        ::epoll_ctl(epoll, EPOLL_CTL_ADD, accepted, &event);
        continue;
      }
      const ssize_t got = ::recv(fd, buffer.data(), buffer.size(), 0);
      if (got > 0)
        SendAll(fd, buffer.data(), got);
      else
        ::close(fd);
    }
  }
}

void ServeByAsio(int listener) {
  boost::asio::io_context loop;
  boost::asio::ip::tcp::acceptor acceptor(loop, boost::asio::ip::tcp::v4(), listener);
  AcceptByAsio(acceptor);
  for (;;) loop.run();
}

void ServeByThreads(int listener) {
  for (;;) {
    const int fd = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
    SetNoDelay(fd);
    std::thread(ServeThread, fd).detach();
  }
}

}  // namespace trireme
