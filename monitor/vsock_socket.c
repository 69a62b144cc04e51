/* SPDX-License-Identifier: MIT */
/* monitor/vsock_socket.c - see vsock_socket.h. */
#include "monitor/vsock_socket.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "monitor/log.h"
#include "monitor/open_path.h"

#define KEY         "vsock.uds_path"
#define PORT_SUFFIX "_4294967295"

enum {
	ADDRESS_PATH_BYTES = sizeof(((struct sockaddr_un *)NULL)->sun_path),
	PERMISSIONS = 0777,
};

static_assert(CONFIG_VSOCK_NAME_MAX_BYTES + sizeof(PORT_SUFFIX) == ADDRESS_PATH_BYTES,
	      "the socket of each port fits an address");

/* --- Names --- */

/* Split off the name and open its directory, which is enough to find, make and remove the file. */
static int find_place(struct vsock_socket *opened, const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;
	char directory[PATH_MAX] = ".";

	if (!*name || strlen(name) > CONFIG_VSOCK_NAME_MAX_BYTES)
		return -ENAMETOOLONG;
	if (slash && (size_t)(name - path) >= sizeof(directory))
		return -ENAMETOOLONG;
	if (slash) {
		memcpy(directory, path, (size_t)(name - path));
		directory[name - path] = '\0';
	}
	opened->directory_fd = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (opened->directory_fd < 0)
		return -errno;
	memcpy(opened->name, name, strlen(name) + 1);
	return 0;
}

enum address_use {
	TO_BIND,
	TO_CONNECT,
};

static int use_address(int fd, const char *path, enum address_use use)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	const struct sockaddr *generic = (const struct sockaddr *)&address;
	int result;

	memcpy(address.sun_path, path, strlen(path) + 1);
	if (use == TO_BIND)
		result = bind(fd, generic, sizeof(address));
	else
		result = connect(fd, generic, sizeof(address));
	return result ? -errno : 0;
}

/*
 * The path as the user wrote it, so that tools which list sockets show it; one that is too long is
 * reached from within its directory.  Who cannot open the directory that it came from could not
 * open anything else there either.
 */
static int use_path(const struct vsock_socket *opened, int fd, const char *path,
		    enum address_use use)
{
	int home;
	int error;

	if (strlen(path) < ADDRESS_PATH_BYTES)
		return use_address(fd, path, use);
	home = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	error = fchdir(opened->directory_fd) ? -errno : use_address(fd, opened->name, use);
	if (home < 0)
		return error;
	if (fchdir(home) && !error)
		error = -errno;
	close(home);
	return error;
}

/* --- What is there already --- */

static int stream_socket(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	return fd < 0 ? -errno : fd;
}

/* What a connection comes to tells whether anybody listens: 0 or -EAGAIN, if so. */
static int probe(const struct vsock_socket *opened, const char *path)
{
	int fd = stream_socket();
	int error;

	if (fd < 0)
		return fd;
	error = use_path(opened, fd, path, TO_CONNECT);
	close(fd);
	return error;
}

static int judge_probe(int error, const char *path, struct reason *reason)
{
	if (error == 0 || error == -EAGAIN)
		return reason_set(reason, -EADDRINUSE, KEY ": %s: another process listens there",
				  path);
	if (error == -EPROTOTYPE)
		return reason_set(reason, -EADDRINUSE,
				  KEY ": %s: another process has a socket of another type there",
				  path);
	return reason_set(reason, error, KEY ": cannot find out whether anybody listens on %s: %s",
			  path, strerror(-error));
}

static bool is_same(const struct vsock_socket *opened, const struct stat *before)
{
	struct stat now;

	return fstatat(opened->directory_fd, opened->name, &now, AT_SYMLINK_NOFOLLOW) == 0 &&
	       now.st_dev == before->st_dev && now.st_ino == before->st_ino;
}

/* Nobody listens on a file of the name afterwards. */
static int clear_place(const struct vsock_socket *opened, const char *path, struct reason *reason)
{
	struct stat status;
	int error;

	if (fstatat(opened->directory_fd, opened->name, &status, AT_SYMLINK_NOFOLLOW)) {
		if (errno == ENOENT)
			return 0;
		return reason_set(reason, -errno, KEY ": cannot examine %s: %s", path,
				  strerror(errno));
	}
	if (!S_ISSOCK(status.st_mode))
		return reason_set(reason, -EEXIST, KEY ": %s exists and is not a socket", path);
	error = probe(opened, path);
	if (error == -ENOENT)
		return 0;
	if (error != -ECONNREFUSED)
		return judge_probe(error, path, reason);
	if (is_same(opened, &status) && unlinkat(opened->directory_fd, opened->name, 0) &&
	    errno != ENOENT)
		return reason_set(reason, -errno,
				  KEY ": nobody listens on %s any more, but it cannot be replaced: "
				      "%s",
				  path, strerror(errno));
	return 0;
}

/* --- A socket of mote's own --- */

/* A file is made with all permissions but those of the umask, so that is what decides. */
static int bind_with_mode(const struct vsock_socket *opened, const char *path, uint32_t mode)
{
	mode_t before = umask(PERMISSIONS & ~(mode_t)mode);
	int error = use_path(opened, opened->fd, path, TO_BIND);

	umask(before);
	return error;
}

/* The file is opened first, so that nothing else can have come in its place. */
static int adopt_file(struct vsock_socket *opened, const struct config_vsock_access *access)
{
	int file = openat(opened->directory_fd, opened->name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	struct stat status;
	int error = 0;

	if (file < 0)
		return -errno;
	if (fstat(file, &status))
		error = -errno;
	else if (!S_ISSOCK(status.st_mode) || status.st_uid != geteuid())
		error = -EEXIST;
	if (!error) {
		opened->is_made = true;
		opened->device = status.st_dev;
		opened->inode = status.st_ino;
		if (fchownat(file, "", access->uid, access->gid, AT_EMPTY_PATH))
			error = -errno;
	}
	close(file);
	return error;
}

static int explain_bind(int error, const char *path, struct reason *reason)
{
	return reason_set(reason, error, KEY ": cannot make %s: %s", path, strerror(-error));
}

/* Nobody can connect before listen(), so the owner is right by then. */
static int make(struct vsock_socket *opened, const char *path,
		const struct config_vsock_access *access, struct reason *reason)
{
	int error = find_place(opened, path);

	if (error)
		return explain_bind(error, path, reason);
	error = clear_place(opened, path, reason);
	if (error)
		return error;
	opened->fd = stream_socket();
	error = opened->fd < 0 ? opened->fd : bind_with_mode(opened, path, access->mode);
	if (error)
		return explain_bind(error, path, reason);
	error = adopt_file(opened, access);
	if (error)
		return reason_set(reason, error, "mote.vsock: cannot give %s its owner: %s", path,
				  strerror(-error));
	if (listen(opened->fd, VSOCK_SOCKET_BACKLOG))
		return reason_set(reason, -errno, KEY ": cannot listen on %s: %s", path,
				  strerror(errno));
	return 0;
}

/* --- A socket of somebody else's --- */

static int option_of(int fd, int name)
{
	int value = -1;
	socklen_t value_bytes = sizeof(value);

	return getsockopt(fd, SOL_SOCKET, name, &value, &value_bytes) ? -1 : value;
}

/* What keeps a descriptor from being a socket to accept clients on, or NULL. */
static const char *misfit(int fd)
{
	struct stat status;

	if (fstat(fd, &status) || !S_ISSOCK(status.st_mode))
		return "is not a socket";
	if (option_of(fd, SO_DOMAIN) != AF_UNIX)
		return "is not a Unix socket";
	if (option_of(fd, SO_TYPE) != SOCK_STREAM)
		return "is not a stream socket";
	if (option_of(fd, SO_ACCEPTCONN) != 1)
		return "is a socket that does not listen";
	return NULL;
}

/* Where its file is, if it has one: the guest's own connections go to files beside it. */
static void find_file(struct vsock_socket *opened)
{
	struct sockaddr_un address = {0};
	socklen_t address_bytes = sizeof(address);
	char path[ADDRESS_PATH_BYTES + 1] = "";

	if (getsockname(opened->fd, (struct sockaddr *)&address, &address_bytes))
		return;
	/* Without a zero at its end if it is as long as can be. */
	memcpy(path, address.sun_path, ADDRESS_PATH_BYTES);
	if (path[0] == '/')
		(void)find_place(opened, path);
}

static int adopt(struct vsock_socket *opened, const char *path, struct reason *reason)
{
	const char *why;
	int flags;

	opened->fd = open_path(path, O_RDWR, 0, &why);
	if (opened->fd < 0)
		return reason_set(reason, opened->fd, KEY ": %s %s", path,
				  why ? why : strerror(-opened->fd));
	why = misfit(opened->fd);
	if (why)
		return reason_set(reason, -EINVAL, KEY ": %s %s", path, why);
	flags = fcntl(opened->fd, F_GETFL);
	if (flags < 0 || fcntl(opened->fd, F_SETFL, flags | O_NONBLOCK))
		return reason_set(reason, -errno, KEY ": %s cannot be made non-blocking", path);
	find_file(opened);
	return 0;
}

/* --- */

int vsock_socket_open(struct vsock_socket *socket, const struct vm_config *config,
		      struct reason *reason)
{
	struct vsock_socket opened = {.fd = VSOCK_SOCKET_NONE, .directory_fd = VSOCK_SOCKET_NONE};
	const char *path = config->vsock.uds_path;
	int error = open_path_is_descriptor(path)
			    ? adopt(&opened, path, reason)
			    : make(&opened, path, &config->mote.vsock, reason);

	if (error) {
		vsock_socket_close(&opened);
		return error;
	}
	*socket = opened;
	return 0;
}

void vsock_socket_warn(const struct vsock_socket *socket)
{
	if (socket->fd >= 0 && socket->directory_fd < 0)
		log_warning(KEY ": the socket has no path of its own that can be reached, so the "
				"guest can connect to nobody");
}

void vsock_socket_remove(struct vsock_socket *socket)
{
	const struct stat made = {.st_dev = socket->device, .st_ino = socket->inode};

	if (socket->is_made && is_same(socket, &made))
		(void)unlinkat(socket->directory_fd, socket->name, 0);
	socket->is_made = false;
}

void vsock_socket_close(struct vsock_socket *socket)
{
	vsock_socket_remove(socket);
	if (socket->fd >= 0)
		close(socket->fd);
	if (socket->directory_fd >= 0)
		close(socket->directory_fd);
	socket->fd = VSOCK_SOCKET_NONE;
	socket->directory_fd = VSOCK_SOCKET_NONE;
}
