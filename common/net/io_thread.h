// One thread of the server with its event loop and the connections that live in it. Inside common/net only.
#pragma once
#include <boost/asio/steady_timer.hpp>

#include "common/net/server_state.h"

namespace manastr::net {

/// What an I/O thread keeps: an HTTP connection or a WebSocket session. All calls on the I/O thread.
class Resident {
 public:
  virtual ~Resident() = default;
  virtual void sweep(Monotonic time) = 0;  ///< ends what is past its deadline
  virtual void drain() = 0;                ///< the server stops: end as soon as what is under way is done
  virtual void cut() = 0;                  ///< end now

 private:
  friend class IoThread;
  std::size_t place_ = 0;
};

class IoThread {
 public:
  explicit IoThread(ServerState& server);
  ~IoThread();
  IoThread(const IoThread&) = delete;
  IoThread& operator=(const IoThread&) = delete;

  void start();
  void adopt(Socket socket, std::string peer, ServerState::Admission admission);  ///< on this thread
  void drain();                                                                   ///< from any thread
  void cut();                                                                     ///< from any thread
  void stop();  ///< from any thread but this; joins

  void keep(std::shared_ptr<Resident> resident);
  void release(Resident& resident);
  const std::string& date();  ///< for the Date header

  ServerState& server;
  asio::io_context context{1};
  const std::shared_ptr<Gate> gate;

 private:
  void sweep_later();
  template <class Visit>
  void each(Visit visit);

  asio::steady_timer sweeper_;
  std::vector<std::shared_ptr<Resident>> residents_;
  std::string date_;
  UnixSeconds date_of_{};
  std::thread thread_;
};

}  // namespace manastr::net
