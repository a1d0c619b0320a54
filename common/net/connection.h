// One HTTP connection: reads a request, has it answered, writes the answer, and so on. Lives on one I/O
// thread. Inside common/net only.
#pragma once
#include <optional>

#include "common/net/io_thread.h"
#include "common/net/request_parser.h"

namespace manastr::net {

class Connection final : public Resident, public std::enable_shared_from_this<Connection> {
 public:
  Connection(IoThread& thread, Socket socket, std::string peer, ServerState::Admission admission);
  ~Connection() override;

  void start();
  void sweep(Monotonic time) override;
  void drain() override;
  void cut() override { close(); }

 private:
  /// One at a time, in this order; the next request is not parsed before the last one's answer is written.
  enum class State { reading, answering, writing, lingering, closed };

  /// The responders' way back; outlives the connection.
  struct Port final : Responder::Target, std::enable_shared_from_this<Port> {
    std::shared_ptr<Gate> gate;
    Connection* connection = nullptr;  // touched on the I/O thread alone
    void answer(std::uint64_t request, Response response) override;
  };

  void advance();
  void await_request();
  bool parse();  ///< false: more bytes are needed
  bool accept_head();
  void dispatch();
  void preflight(const Router::Match& match);
  void upgrade(const Request& request, const WebSocketHandler& handler);
  void answered(std::uint64_t request, Response response);
  void refuse(Response response);  ///< answers and then closes, for the rest of the input can't be trusted
  void begin_answer(Response response);
  bool write_some();  ///< false: the socket takes no more for now
  void finish_answer();
  void read_some();
  void linger();
  void close();

  IoThread& thread_;
  Socket socket_;
  Place place_;
  const std::shared_ptr<Port> port_;
  const ServerState::Admission admission_;

  State state_ = State::reading;
  Monotonic deadline_{};
  bool read_pending_ = false;
  bool advancing_ = false;

  std::vector<char> in_;  // what was read and not yet parsed is [in_begin_, in_end_)
  std::size_t in_begin_ = 0;
  std::size_t in_end_ = 0;
  std::size_t lingered_ = 0;

  /// A WebSocket whose admission is being asked for.
  struct Upgrade {
    Request request;
    const WebSocketHandler* handler;
  };
  std::optional<Upgrade> upgrade_;
  std::optional<RequestParser> parser_;
  bool begun_ = false;          // the first byte of the request is here
  bool head_accepted_ = false;  // and its headers are fine
  std::size_t head_bytes_ = 0;

  std::uint64_t request_number_ = 0;
  Monotonic request_time_{};
  std::size_t route_ = 0;
  std::string origin_;
  bool head_only_ = false;
  bool keep_alive_ = true;
  bool refused_ = false;

  std::string head_;
  std::string body_;
  std::size_t written_ = 0;
};

}  // namespace manastr::net
