/*
 * Opens datagram sockets of ICMP (icmp(7), "ping sockets"), which Node cannot. Such a socket sends echo requests and receives
 * their replies, nothing else, and needs no capability: the kernel lets in every group in net.ipv4.ping_group_range.
 *
 *   open(family: 4 | 6): number    the file descriptor; below 0 the negative errno of socket(2); throws where the family is
 *                                  another
 *
 * The descriptor belongs to the caller. The module has no state, so that each worker thread may load it.
 */
#define NAPI_VERSION 8
#include <errno.h>
#include <netinet/in.h>
#include <stddef.h>
#include <sys/socket.h>

#include <node_api.h>

static int open_ping_socket(int family) {
  int domain = family == 6 ? AF_INET6 : AF_INET;
  int protocol = family == 6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP;
  int descriptor = socket(domain, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);
  return descriptor < 0 ? -errno : descriptor;
}

static napi_value open_socket(napi_env env, napi_callback_info info) {
  napi_value argument = NULL;
  napi_value result = NULL;
  size_t count = 1;
  int32_t family = 0;
  if (napi_get_cb_info(env, info, &count, &argument, NULL, NULL) != napi_ok || count < 1 ||
      napi_get_value_int32(env, argument, &family) != napi_ok || (family != 4 && family != 6)) {
    napi_throw_type_error(env, "ERR_INVALID_ARG_VALUE", "family must be 4 or 6");
    return NULL;
  }
  return napi_create_int32(env, open_ping_socket(family), &result) == napi_ok ? result : NULL;
}

NAPI_MODULE_INIT(/* napi_env env, napi_value exports */) {
  napi_value open = NULL;
  if (napi_create_function(env, "open", NAPI_AUTO_LENGTH, open_socket, NULL, &open) != napi_ok ||
      napi_set_named_property(env, exports, "open", open) != napi_ok)
    return NULL;
  return exports;
}
