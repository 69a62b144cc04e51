/* SPDX-License-Identifier: MIT */
/* monitor/uplink.c - see uplink.h. */
#include "monitor/uplink.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "monitor/log.h"
#include "monitor/netns.h"
#include "monitor/open_path.h"

enum {
	KEY_MAX_BYTES = 128,
	LOCAL_UNICAST_ADDRESS = 0x02, /* IEEE 802: locally administered, not a group */
};

/* One call of uplink_open(). */
struct opening {
	const struct config_interface *interface;
	unsigned int index;
	struct reason *reason;
};

/* The key under mote.network, or with NULL host_dev_name, which has its place in the array. */
static void key_of(char key[KEY_MAX_BYTES], const struct config_interface *interface,
		   unsigned int index, const char *name)
{
	if (name)
		snprintf(key, KEY_MAX_BYTES, "mote.network.%s.%s", interface->iface_id, name);
	else
		snprintf(key, KEY_MAX_BYTES, "network-interfaces[%u].host_dev_name", index);
}

/* Put the key before the words. */
static int refuse(const struct opening *opening, const char *name, int error, const char *words)
{
	char key[KEY_MAX_BYTES];

	key_of(key, opening->interface, opening->index, name);
	return reason_set(opening->reason, error, "%s: %s", key, words);
}

/* --- Taps --- */

static int open_tap(const struct opening *opening, struct uplink *uplink)
{
	const struct config_interface *interface = opening->interface;
	struct tap_request request = {
		.name = interface->host_dev_name,
		.bridge = interface->uplink.bridge,
		.netns = interface->uplink.netns,
		.wants_mtu = interface->mtu != 0,
	};
	struct tap_failure failure = {.part = TAP_NAME};
	int error;

	memcpy(request.guest_address, uplink->address, sizeof(request.guest_address));
	error = tap_open(&uplink->tap, &request, &failure);
	if (error)
		return refuse(opening, failure.part == TAP_BRIDGE ? "bridge" : NULL, error,
			      failure.reason.text);
	uplink->kind = NET_PORT_TAP;
	uplink->fd = uplink->tap.fd;
	return 0;
}

static int open_tap_in_netns(const struct opening *opening, struct uplink *uplink)
{
	struct reason reason;
	int home = netns_enter(opening->interface->uplink.netns, &reason);
	int error;
	int stuck;

	if (home < 0)
		return refuse(opening, "netns", home, reason.text);
	error = open_tap(opening, uplink);
	stuck = netns_leave(home, &reason);
	return stuck ? refuse(opening, "netns", stuck, reason.text) : error;
}

/* --- Sockets --- */

static int explain_connect(const struct opening *opening, int error)
{
	char words[REASON_MAX_BYTES];
	const char *path = opening->interface->uplink.socket;
	size_t path_bytes = strlen(path);
	const char *hint = strerror(-error);

	if (error == -ENOENT || error == -ECONNREFUSED)
		hint = "nobody listens there; passt --socket PATH does";
	else if (error == -EPROTOTYPE)
		hint = "it is no stream socket";
	else if (error == -EAGAIN)
		hint = "too many wait for its listener already";
	else if (error == -EACCES || error == -EPERM)
		hint = "Permission denied: this user must be able to write to it";
	snprintf(words, sizeof(words), "cannot connect to %s%s: %s",
		 path_bytes > KEY_MAX_BYTES ? "..." : "",
		 path_bytes > KEY_MAX_BYTES ? path + path_bytes - KEY_MAX_BYTES : path, hint);
	return refuse(opening, "socket", error, words);
}

/* A path that is too long for an address is gone by the name of its open file. */
static int connect_by_path(int fd, const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int file = UPLINK_NONE;
	int error = 0;

	if (strlen(path) < sizeof(address.sun_path)) {
		memcpy(address.sun_path, path, strlen(path));
	} else {
		file = open(path, O_PATH | O_CLOEXEC);
		if (file < 0)
			return -errno;
		snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d", file);
	}
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)))
		error = -errno;
	if (file >= 0)
		close(file);
	return error;
}

static int open_socket(const struct opening *opening, struct uplink *uplink)
{
	int error;

	uplink->kind = NET_PORT_STREAM;
	/* Non-blocking from the start: a listener that takes nobody is an error, not a hang. */
	uplink->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (uplink->fd < 0)
		return refuse(opening, "socket", -errno, strerror(errno));
	error = connect_by_path(uplink->fd, opening->interface->uplink.socket);
	return error ? explain_connect(opening, error) : 0;
}

/* --- Descriptors --- */

static int refuse_descriptor(const struct opening *opening, int error, const char *words)
{
	char sentence[REASON_MAX_BYTES];

	snprintf(sentence, sizeof(sentence), "%s %s", opening->interface->host_dev_name, words);
	return refuse(opening, NULL, error, sentence);
}

static int adopt_socket(const struct opening *opening, struct uplink *uplink)
{
	struct sockaddr_storage peer;
	socklen_t peer_bytes = sizeof(peer);
	int type = 0;
	socklen_t type_bytes = sizeof(type);
	int flags = fcntl(uplink->fd, F_GETFL);

	uplink->kind = NET_PORT_STREAM;
	if (getsockopt(uplink->fd, SOL_SOCKET, SO_TYPE, &type, &type_bytes) || type != SOCK_STREAM)
		return refuse_descriptor(opening, -EPROTOTYPE,
					 "is a socket, but not a stream socket");
	if (getpeername(uplink->fd, (struct sockaddr *)&peer, &peer_bytes))
		return refuse_descriptor(opening, -ENOTCONN, "is a socket that is not connected");
	if (flags < 0 || fcntl(uplink->fd, F_SETFL, flags | O_NONBLOCK))
		return refuse_descriptor(opening, -errno, "cannot be made non-blocking");
	return 0;
}

static int adopt_tap(const struct opening *opening, struct uplink *uplink)
{
	struct tap_failure failure = {.part = TAP_NAME};
	int error = tap_adopt(&uplink->tap, uplink->fd, &failure);

	uplink->kind = NET_PORT_TAP;
	return error ? refuse_descriptor(opening, error, failure.reason.text) : 0;
}

static int adopt(const struct opening *opening, struct uplink *uplink)
{
	struct stat status;
	const char *why;

	uplink->fd = open_path(opening->interface->host_dev_name, O_RDWR, 0, &why);
	if (uplink->fd < 0)
		return refuse_descriptor(opening, uplink->fd, why ? why : strerror(-uplink->fd));
	if (fstat(uplink->fd, &status))
		return refuse_descriptor(opening, -errno, "cannot be examined");
	return S_ISSOCK(status.st_mode) ? adopt_socket(opening, uplink)
					: adopt_tap(opening, uplink);
}

/* --- */

static int choose_address(const struct opening *opening, uint8_t address[UPLINK_ADDRESS_BYTES])
{
	if (opening->interface->has_guest_mac) {
		memcpy(address, opening->interface->guest_mac, UPLINK_ADDRESS_BYTES);
		return 0;
	}
	if (getrandom(address, UPLINK_ADDRESS_BYTES, GRND_NONBLOCK) != UPLINK_ADDRESS_BYTES)
		return reason_set(opening->reason, -EAGAIN,
				  "network-interfaces[%u].guest_mac: the host has no random "
				  "numbers yet to choose one",
				  opening->index);
	address[0] = LOCAL_UNICAST_ADDRESS;
	return 0;
}

static int open_any(const struct opening *opening, struct uplink *uplink)
{
	const struct config_interface *interface = opening->interface;

	if (interface->uplink.socket)
		return open_socket(opening, uplink);
	if (interface->host_dev_name && open_path_is_descriptor(interface->host_dev_name))
		return adopt(opening, uplink);
	return interface->uplink.netns ? open_tap_in_netns(opening, uplink)
				       : open_tap(opening, uplink);
}

int uplink_open(struct uplink *uplink, const struct config_interface *interfaces,
		unsigned int index, struct reason *reason)
{
	const struct opening opening = {&interfaces[index], index, reason};
	struct uplink opened = {.fd = UPLINK_NONE};
	int error = choose_address(&opening, opened.address);

	if (!error)
		error = open_any(&opening, &opened);
	if (error) {
		uplink_close(&opened);
		return error;
	}
	*uplink = opened;
	return 0;
}

void uplink_warn(const struct uplink *uplink, const struct config_interface *interfaces,
		 unsigned int index)
{
	const struct config_interface *interface = &interfaces[index];
	const char *bridge = interface->uplink.bridge;
	char key[KEY_MAX_BYTES];

	if (uplink->tap.is_down) {
		key_of(key, interface, index, bridge ? "bridge" : NULL);
		log_warning("%s: %s is down, so no frame will pass: sudo ip link set %s up", key,
			    bridge ? bridge : uplink->tap.name, bridge ? bridge : uplink->tap.name);
	}
	if (uplink->tap.mtu_bytes && interface->mtu > uplink->tap.mtu_bytes)
		log_warning("network-interfaces[%u].mtu: %u is more than the %u of %s: the host "
			    "will not send frames that long",
			    index, interface->mtu, uplink->tap.mtu_bytes, uplink->tap.name);
}

void uplink_close(struct uplink *uplink)
{
	if (uplink->fd >= 0)
		close(uplink->fd);
	uplink->fd = UPLINK_NONE;
}
