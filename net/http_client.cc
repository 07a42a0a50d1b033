#include "net/http_client.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <dlfcn.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <deque>
#include <map>
#include <mutex>
#include <thread>

// Macros that check types where the functions are called by these names.
#undef curl_easy_setopt
#undef curl_easy_getinfo
#undef curl_multi_setopt

namespace watchfire::net {
namespace {

// libcurl, loaded when the first request is made: forty libraries come with it, and a command that reads a file need
// not wait for them. Loaded once and for good; thread-safe. Members are curl's functions without their prefix.
struct CurlLibrary {
  decltype(&curl_global_init) global_init = nullptr;
  decltype(&curl_free) free = nullptr;
  decltype(&curl_slist_append) slist_append = nullptr;
  decltype(&curl_slist_free_all) slist_free_all = nullptr;
  decltype(&curl_url) url = nullptr;
  decltype(&curl_url_cleanup) url_cleanup = nullptr;
  decltype(&curl_url_get) url_get = nullptr;
  decltype(&curl_url_set) url_set = nullptr;
  decltype(&curl_easy_init) easy_init = nullptr;
  decltype(&curl_easy_cleanup) easy_cleanup = nullptr;
  decltype(&curl_easy_setopt) easy_setopt = nullptr;
  decltype(&curl_easy_getinfo) easy_getinfo = nullptr;
  decltype(&curl_easy_perform) easy_perform = nullptr;
  decltype(&curl_easy_strerror) easy_strerror = nullptr;
  decltype(&curl_multi_init) multi_init = nullptr;
  decltype(&curl_multi_cleanup) multi_cleanup = nullptr;
  decltype(&curl_multi_setopt) multi_setopt = nullptr;
  decltype(&curl_multi_add_handle) multi_add_handle = nullptr;
  decltype(&curl_multi_remove_handle) multi_remove_handle = nullptr;
  decltype(&curl_multi_perform) multi_perform = nullptr;
  decltype(&curl_multi_info_read) multi_info_read = nullptr;
  decltype(&curl_multi_poll) multi_poll = nullptr;
  decltype(&curl_multi_wakeup) multi_wakeup = nullptr;

  // kUnavailable when it is not there, or not the one this was built for.
  static Status load();
  // After load() succeeded.
  static const CurlLibrary& get();
};

struct Loaded {
  CurlLibrary curl;
  std::string problem;

  Loaded() {
    void* library = ::dlopen("libcurl.so.4", RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) {
      problem = ::dlerror();
      return;
    }
    auto find = [&](auto& function, const char* name) {
      void* found = ::dlsym(library, name);
      if (found == nullptr) problem = std::string("no ") + name;
      function = reinterpret_cast<std::remove_reference_t<decltype(function)>>(found);
    };
    find(curl.global_init, "curl_global_init");
    find(curl.free, "curl_free");
    find(curl.slist_append, "curl_slist_append");
    find(curl.slist_free_all, "curl_slist_free_all");
    find(curl.url, "curl_url");
    find(curl.url_cleanup, "curl_url_cleanup");
    find(curl.url_get, "curl_url_get");
    find(curl.url_set, "curl_url_set");
    find(curl.easy_init, "curl_easy_init");
    find(curl.easy_cleanup, "curl_easy_cleanup");
    find(curl.easy_setopt, "curl_easy_setopt");
    find(curl.easy_getinfo, "curl_easy_getinfo");
    find(curl.easy_perform, "curl_easy_perform");
    find(curl.easy_strerror, "curl_easy_strerror");
    find(curl.multi_init, "curl_multi_init");
    find(curl.multi_cleanup, "curl_multi_cleanup");
    find(curl.multi_setopt, "curl_multi_setopt");
    find(curl.multi_add_handle, "curl_multi_add_handle");
    find(curl.multi_remove_handle, "curl_multi_remove_handle");
    find(curl.multi_perform, "curl_multi_perform");
    find(curl.multi_info_read, "curl_multi_info_read");
    find(curl.multi_poll, "curl_multi_poll");
    find(curl.multi_wakeup, "curl_multi_wakeup");
    if (problem.empty() && curl.global_init(CURL_GLOBAL_ALL) != CURLE_OK) problem = "it cannot be initialized";
  }
};

const Loaded& loaded() {
  static const Loaded once;
  return once;
}

Status CurlLibrary::load() {
  if (loaded().problem.empty()) return {};
  return fail(Error(ErrorCode::kUnavailable, "libcurl.so.4: " + loaded().problem).hinted("install libcurl4"));
}

const CurlLibrary& CurlLibrary::get() {
  return loaded().curl;
}

constexpr size_t kMaxHeaderBytes = 64 << 10;

const CurlLibrary& curl() {
  return CurlLibrary::get();
}

// 169.254/16 and fe80::/10 (link-local, cloud metadata), fd00:ec2::254, 100.100.100.200; mapped IPv6 as IPv4.
bool is_refused_address(const sockaddr* address) {
  auto refused_v4 = [](uint32_t a) { return a >> 16 == 0xa9fe || a == 0x646464c8; };
  if (address->sa_family == AF_INET)
    return refused_v4(ntohl(reinterpret_cast<const sockaddr_in*>(address)->sin_addr.s_addr));
  if (address->sa_family != AF_INET6) return false;
  const auto& a = reinterpret_cast<const sockaddr_in6*>(address)->sin6_addr;
  if (IN6_IS_ADDR_V4MAPPED(&a)) {
    uint32_t v4;
    std::memcpy(&v4, a.s6_addr + 12, 4);
    return refused_v4(ntohl(v4));
  }
  static const in6_addr ec2 = [] {
    in6_addr x{};
    inet_pton(AF_INET6, "fd00:ec2::254", &x);
    return x;
  }();
  return IN6_IS_ADDR_LINKLOCAL(&a) || std::memcmp(&a, &ec2, sizeof a) == 0;
}

// One request and its curl handle, while it runs.
class Exchange {
 public:
  explicit Exchange(FetchRequest request) : request_(std::move(request)), easy_(curl().easy_init()) { set_options(); }
  ~Exchange() {
    curl().easy_cleanup(easy_);
    curl().slist_free_all(header_list_);
    curl().slist_free_all(connect_to_);
  }
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;

  CURL* easy() { return easy_; }
  Result<FetchResponse> result(CURLcode code);
  size_t held() const { return response_.body.capacity(); }
  /// What it received is freed now, and it ends with the next bytes that come.
  void give_way() {
    gave_way_ = true;
    response_.body = std::string();
  }

 private:
  void set_options();
  void set_server_name(const std::string& name);
  static size_t on_body(char* data, size_t, size_t n, void* self) {
    return static_cast<Exchange*>(self)->body(data, n);
  }
  static size_t on_header(char* data, size_t, size_t n, void* self) {
    return static_cast<Exchange*>(self)->header(data, n);
  }
  static curl_socket_t on_open(void* self, curlsocktype, curl_sockaddr* a) {
    if (is_refused_address(&a->addr)) {
      static_cast<Exchange*>(self)->refused_ = true;
      return CURL_SOCKET_BAD;
    }
    return ::socket(a->family, a->socktype | SOCK_CLOEXEC, a->protocol);
  }
  size_t body(const char* data, size_t n);
  size_t header(const char* data, size_t n);

  FetchRequest request_;
  CURL* easy_;
  curl_slist* header_list_ = nullptr;
  curl_slist* connect_to_ = nullptr;
  FetchResponse response_;
  size_t received_ = 0;
  size_t header_bytes_ = 0;
  bool too_large_ = false;
  bool stopped_ = false;
  bool refused_ = false;
  bool gave_way_ = false;
  char error_[CURL_ERROR_SIZE] = {};
};

void Exchange::set_options() {
  auto set = [this](CURLoption option, auto value) { curl().easy_setopt(easy_, option, value); };
  set(CURLOPT_URL, request_.url.c_str());
  set(CURLOPT_PROTOCOLS_STR, "http,https");
  set(CURLOPT_NOSIGNAL, 1L);
  set(CURLOPT_ERRORBUFFER, error_);
  set(CURLOPT_TIMEOUT_MS, static_cast<long>(std::max<DurationNs>(1, request_.timeout / kMillisecond)));
  set(CURLOPT_FOLLOWLOCATION, 0L);
  // An answer that says in its head that it is too long is not read at all.
  if (!request_.on_data) set(CURLOPT_MAXFILESIZE_LARGE, static_cast<curl_off_t>(request_.max_body_bytes));
  set(CURLOPT_WRITEFUNCTION, &on_body);
  set(CURLOPT_WRITEDATA, this);
  set(CURLOPT_HEADERFUNCTION, &on_header);
  set(CURLOPT_HEADERDATA, this);
  set(CURLOPT_PRIVATE, this);
  set(CURLOPT_USERAGENT, "watchfire/0.1");
  if (request_.unix_socket.empty()) {
    set(CURLOPT_OPENSOCKETFUNCTION, &on_open);
    set(CURLOPT_OPENSOCKETDATA, this);
  } else {
    set(CURLOPT_UNIX_SOCKET_PATH, request_.unix_socket.c_str());
    set(CURLOPT_PROXY, "");
  }
  if (request_.method != "GET") set(CURLOPT_CUSTOMREQUEST, request_.method.c_str());
  if (request_.method == "POST" || request_.method == "PUT" || !request_.body.empty()) {
    set(CURLOPT_POSTFIELDS, request_.body.c_str());
    set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request_.body.size()));
  }
  for (const auto& [name, value] : request_.headers)
    header_list_ = curl().slist_append(header_list_, (name + ": " + value).c_str());
  if (!request_.tls.server_name.empty()) set_server_name(request_.tls.server_name);
  header_list_ = curl().slist_append(header_list_, "Expect:");
  set(CURLOPT_HTTPHEADER, header_list_);
  if (!request_.basic_auth_user.empty()) {
    set(CURLOPT_HTTPAUTH, CURLAUTH_BASIC);
    set(CURLOPT_USERNAME, request_.basic_auth_user.c_str());
    set(CURLOPT_PASSWORD, request_.basic_auth_password.c_str());
  }
  const TlsOptions& tls = request_.tls;
  if (!tls.ca_file.empty()) set(CURLOPT_CAINFO, tls.ca_file.c_str());
  if (!tls.cert_file.empty()) set(CURLOPT_SSLCERT, tls.cert_file.c_str());
  if (!tls.key_file.empty()) set(CURLOPT_SSLKEY, tls.key_file.c_str());
  if (tls.insecure_skip_verify) {
    set(CURLOPT_SSL_VERIFYPEER, 0L);
    set(CURLOPT_SSL_VERIFYHOST, 0L);
  }
}

// curl takes the name for SNI and for judging the certificate from the URL: so the URL names the server, and the
// connection still goes where the URL went before.
void Exchange::set_server_name(const std::string& name) {
  CURLU* url = curl().url();
  char *host = nullptr, *port = nullptr;
  if (curl().url_set(url, CURLUPART_URL, request_.url.c_str(), 0) == CURLUE_OK &&
      curl().url_get(url, CURLUPART_HOST, &host, 0) == CURLUE_OK &&
      curl().url_get(url, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) == CURLUE_OK) {
    std::string address = std::string(host) + ":" + port;
    connect_to_ = curl().slist_append(nullptr, ("::" + address).c_str());
    header_list_ = curl().slist_append(header_list_, ("Host: " + address).c_str());
    curl().easy_setopt(easy_, CURLOPT_CONNECT_TO, connect_to_);
    char* named = nullptr;
    if (curl().url_set(url, CURLUPART_HOST, name.c_str(), 0) == CURLUE_OK &&
        curl().url_get(url, CURLUPART_URL, &named, 0) == CURLUE_OK)
      curl().easy_setopt(easy_, CURLOPT_URL, named);
    curl().free(named);
  }
  curl().free(host);
  curl().free(port);
  curl().url_cleanup(url);
}

size_t Exchange::body(const char* data, size_t n) {
  received_ += n;
  if (request_.on_data) {
    stopped_ = !request_.on_data({data, n});
    return stopped_ ? 0 : n;
  }
  if (received_ > request_.max_body_bytes) {
    too_large_ = true;
    response_.body = std::string();
    return 0;
  }
  if (gave_way_) return 0;
  response_.body.append(data, n);
  return n;
}

size_t Exchange::header(const char* data, size_t n) {
  header_bytes_ += n;
  if (header_bytes_ > kMaxHeaderBytes) {
    too_large_ = true;
    return 0;
  }
  std::string_view line(data, n);
  while (line.ends_with('\n') || line.ends_with('\r')) line.remove_suffix(1);
  size_t colon = line.find(':');
  if (colon == std::string_view::npos) return n;
  std::string name(line.substr(0, colon));
  std::ranges::transform(name, name.begin(), [](unsigned char c) { return std::tolower(c); });
  line.remove_prefix(colon + 1);
  while (line.starts_with(' ')) line.remove_prefix(1);
  response_.headers[name] = line;
  return n;
}

Result<FetchResponse> Exchange::result(CURLcode code) {
  long status = 0;
  curl_off_t microseconds = 0;
  curl().easy_getinfo(easy_, CURLINFO_RESPONSE_CODE, &status);
  curl().easy_getinfo(easy_, CURLINFO_TOTAL_TIME_T, &microseconds);
  response_.status = static_cast<int>(status);
  response_.duration = microseconds * 1000;
  if (code == CURLE_OK && !gave_way_) return std::move(response_);
  if (refused_) return fail(Error(ErrorCode::kPermissionDenied, "link-local and metadata addresses are never asked"));
  if (too_large_ || code == CURLE_FILESIZE_EXCEEDED)
    return fail(Error(ErrorCode::kResourceExhausted,
                      "the answer is longer than the limit of " + std::to_string(request_.max_body_bytes) + " bytes"));
  if (gave_way_)
    return fail(Error(ErrorCode::kResourceExhausted,
                      "the longest of all answers being received, which are more together than this process may hold"));
  if (stopped_) return fail(ErrorCode::kCancelled, "stopped");
  if (code == CURLE_OPERATION_TIMEDOUT)
    return fail(Error(ErrorCode::kCancelled, "no complete answer within " + format_duration(request_.timeout)));
  return fail(ErrorCode::kUnavailable, error_[0] != 0 ? error_ : curl().easy_strerror(code));
}

}  // namespace

Result<FetchResponse> fetch(const FetchRequest& request) {
  WF_TRY(CurlLibrary::load());
  Exchange exchange(request);
  return exchange.result(curl().easy_perform(exchange.easy()));
}

class FetchLoop::Impl {
 public:
  explicit Impl(size_t max_bytes) : max_bytes_(max_bytes), multi_(curl().multi_init()) {
    curl().multi_setopt(multi_, CURLMOPT_MAXCONNECTS, 128L);
    thread_ = std::thread([this] { run(); });
  }
  ~Impl() {
    {
      std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    curl().multi_wakeup(multi_);
    thread_.join();
    curl().multi_cleanup(multi_);
  }

  void start(FetchRequest request, Callback done) {
    {
      std::lock_guard lock(mutex_);
      waiting_.emplace_back(std::move(request), std::move(done));
    }
    curl().multi_wakeup(multi_);
  }

 private:
  struct Running {
    std::unique_ptr<Exchange> exchange;
    Callback done;
  };

  void run() {
    for (;;) {
      if (!take_waiting()) break;
      int still = 0;
      curl().multi_perform(multi_, &still);
      keep_within_bounds();
      finish_done();
      curl().multi_poll(multi_, nullptr, 0, 1000, nullptr);
    }
    for (auto& [easy, running] : running_) {
      curl().multi_remove_handle(multi_, easy);
      running.done(fail(ErrorCode::kCancelled, "stopped"));
    }
    running_.clear();
  }

  bool take_waiting() {
    std::deque<std::pair<FetchRequest, Callback>> fresh;
    {
      std::lock_guard lock(mutex_);
      fresh.swap(waiting_);
      if (stopping_) {
        for (auto& [request, done] : fresh) done(fail(ErrorCode::kCancelled, "stopped"));
        return false;
      }
    }
    for (auto& [request, done] : fresh) {
      auto exchange = std::make_unique<Exchange>(std::move(request));
      CURL* easy = exchange->easy();
      running_[easy] = {std::move(exchange), std::move(done)};
      curl().multi_add_handle(multi_, easy);
    }
    return true;
  }

  void keep_within_bounds() {
    size_t held = 0;
    Exchange* longest = nullptr;
    for (auto& [easy, running] : running_) {
      held += running.exchange->held();
      if (longest == nullptr || running.exchange->held() > longest->held()) longest = running.exchange.get();
    }
    if (held > max_bytes_) longest->give_way();
  }

  void finish_done() {
    int left = 0;
    while (CURLMsg* message = curl().multi_info_read(multi_, &left)) {
      if (message->msg != CURLMSG_DONE) continue;
      CURL* easy = message->easy_handle;
      CURLcode code = message->data.result;
      auto it = running_.find(easy);
      Running done = std::move(it->second);
      running_.erase(it);
      curl().multi_remove_handle(multi_, easy);
      done.done(done.exchange->result(code));
    }
  }

  const size_t max_bytes_;
  CURLM* const multi_;
  std::map<CURL*, Running> running_;  // loop thread only
  std::mutex mutex_;
  std::deque<std::pair<FetchRequest, Callback>> waiting_;  // guarded by mutex_
  bool stopping_ = false;                                  // guarded by mutex_
  std::thread thread_;
};

FetchLoop::FetchLoop(size_t max_bytes_in_flight) {
  if (CurlLibrary::load()) impl_ = std::make_unique<Impl>(max_bytes_in_flight);
}
FetchLoop::~FetchLoop() = default;
void FetchLoop::start(FetchRequest request, Callback done) {
  if (impl_)
    impl_->start(std::move(request), std::move(done));
  else
    done(fail(CurlLibrary::load().error()));
}

}  // namespace watchfire::net
