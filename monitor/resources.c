/* SPDX-License-Identifier: MIT */
/* monitor/resources.c - see resources.h. */
#include "monitor/resources.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "monitor/log.h"
#include "monitor/nested_paging.h"
#include "monitor/open_path.h"

enum {
	LOG_FILE_MODE = 0640,
};

static void close_if_open(int fd)
{
	if (fd != RESOURCES_NONE)
		close(fd);
}

static void resources_close(struct resources *resources)
{
	close_if_open(resources->kvm_fd);
	close_if_open(resources->kernel_fd);
	close_if_open(resources->initrd_fd);
	close_if_open(resources->log_fd);
	close_if_open(resources->metrics_fd);
	close_if_open(resources->wake_fd);
	for (unsigned int i = 0; i < CONFIG_DRIVES_MAX; i++) {
		drive_file_unlock(&resources->drives[i]);
		drive_file_close(&resources->drives[i]);
	}
	for (unsigned int i = 0; i < CONFIG_INTERFACES_MAX; i++)
		uplink_close(&resources->uplinks[i]);
	vsock_broker_close(&resources->broker);
	vsock_socket_close(&resources->vsock);
	stdio_stream_hand_over(&resources->stdio);
	stdio_stream_restore(&resources->stdio);
}

/* `what` is what could not be done, where the path is not a descriptor that is of no use. */
static int explain_open(struct reason *reason, int error, const char *key, const char *path,
			const char *why, const char *what)
{
	if (why)
		return reason_set(reason, error, "%s: %s %s", key, path, why);
	return reason_set(reason, error, "%s: cannot open %s%s: %s", key, path, what,
			  strerror(-error));
}

/* Open a file that is read whole: regular and not empty. */
static int open_image(int *fd, uint64_t *size_bytes, const char *key, const char *path,
		      struct reason *reason)
{
	/* Not to hang on a FIFO before its type is known. */
	const char *why;
	int opened = open_path(path, O_RDONLY | O_NONBLOCK, 0, &why);
	struct stat status;

	if (opened < 0)
		return explain_open(reason, opened, key, path, why, "");
	*fd = opened;
	if (fstat(opened, &status))
		return reason_set(reason, -errno, "%s: cannot examine %s: %s", key, path,
				  strerror(errno));
	if (!S_ISREG(status.st_mode))
		return reason_set(reason, -EINVAL, "%s: %s is not a regular file", key, path);
	if (status.st_size == 0)
		return reason_set(reason, -EINVAL, "%s: %s is empty", key, path);
	*size_bytes = (uint64_t)status.st_size;
	return 0;
}

static int open_images(struct resources *resources, const struct config_boot_source *source,
		       struct reason *reason)
{
	int error = open_image(&resources->kernel_fd, &resources->kernel_bytes,
			       "boot-source.kernel_image_path", source->kernel_image_path, reason);

	if (error || !source->initrd_path)
		return error;
	return open_image(&resources->initrd_fd, &resources->initrd_bytes,
			  "boot-source.initrd_path", source->initrd_path, reason);
}

static int open_drives(struct drive_file *drives, const struct vm_config *config,
		       struct reason *reason)
{
	int error = 0;

	for (unsigned int i = 0; !error && i < config->drive_count; i++)
		error = drive_file_open(drives, config->drives, i, reason);
	return error;
}

static int open_uplinks(struct uplink *uplinks, const struct vm_config *config,
			struct reason *reason)
{
	int error = 0;

	for (unsigned int i = 0; !error && i < config->interface_count; i++)
		error = uplink_open(&uplinks[i], config->interfaces, i, reason);
	return error;
}

static int open_vsock(struct resources *resources, const struct vm_config *config,
		      struct reason *reason)
{
	int error;

	if (!config->vsock.uds_path)
		return 0;
	error = vsock_socket_open(&resources->vsock, config, reason);
	if (error || resources->vsock.directory_fd < 0)
		return error;
	error = vsock_broker_open(&resources->broker, resources->vsock.directory_fd,
				  resources->vsock.name);
	if (error)
		return reason_set(reason, error,
				  "vsock.uds_path: connections of the guest's cannot be prepared "
				  "(socketpair, /proc/self/fd): %s",
				  strerror(-error));
	return 0;
}

static int open_stdio(struct stdio_stream *stream, const struct vm_config *config,
		      struct reason *reason)
{
	int error = config->stdio.present ? stdio_stream_open(stream) : 0;

	if (error)
		return reason_set(reason, error,
				  "--stdio: cannot use standard input and output: %s",
				  strerror(-error));
	return 0;
}

/* A log or metrics target: a FIFO without a reader is an error, not a hang. */
static int open_sink(int *fd, const char *key, const char *path, struct reason *reason)
{
	const char *why;
	int opened;

	if (!path)
		return 0;
	opened = open_path(path, O_WRONLY | O_CREAT | O_APPEND | O_NONBLOCK | O_NOCTTY,
			   LOG_FILE_MODE, &why);
	if (opened < 0)
		return explain_open(reason, opened, key, path, why, " for writing");
	*fd = opened;
	return 0;
}

static int open_kvm(int *fd, struct reason *reason)
{
	const char *hint = "";

	*fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (*fd >= 0)
		return 0;
	if (errno == ENOENT || errno == ENODEV || errno == ENXIO)
		hint = " (is the KVM module loaded?)";
	if (errno == EACCES || errno == EPERM)
		hint = " (is this user in the group that owns it?)";
	return reason_set(reason, -errno, "cannot open /dev/kvm: %s%s", strerror(errno), hint);
}

/* A setting of the host, so it is asked here, where paths are still known. */
static int check_nested_paging(const struct config_mote *mote, struct reason *reason)
{
	if (!mote->require_nested_paging || nested_paging_kind())
		return 0;
	return reason_set(reason, -ENOTSUP,
			  "mote.require_nested_paging: KVM uses neither EPT nor NPT on this host");
}

static int open_host(struct resources *resources, const struct vm_config *config,
		     struct reason *reason)
{
	int error =
		open_sink(&resources->log_fd, "logger.log_path", config->logger.log_path, reason);

	if (!error)
		error = open_sink(&resources->metrics_fd, "metrics.metrics_path",
				  config->metrics.metrics_path, reason);
	if (!error)
		error = open_drives(resources->drives, config, reason);
	if (!error)
		error = open_uplinks(resources->uplinks, config, reason);
	if (!error)
		error = open_kvm(&resources->kvm_fd, reason);
	if (!error)
		error = check_nested_paging(&config->mote, reason);
	if (error)
		return error;
	resources->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (resources->wake_fd < 0)
		return reason_set(reason, -errno, "eventfd: %s", strerror(errno));
	/* Last what others can see. */
	error = open_vsock(resources, config, reason);
	return error ? error : open_stdio(&resources->stdio, config, reason);
}

int resources_open(struct resources *resources, const struct vm_config *config,
		   enum outcome_kind *failure, struct reason *reason)
{
	struct resources opened = {
		.kvm_fd = RESOURCES_NONE,
		.kernel_fd = RESOURCES_NONE,
		.initrd_fd = RESOURCES_NONE,
		.log_fd = RESOURCES_NONE,
		.metrics_fd = RESOURCES_NONE,
		.wake_fd = RESOURCES_NONE,
		.vsock = {.fd = VSOCK_SOCKET_NONE, .directory_fd = VSOCK_SOCKET_NONE},
		.broker = {.fd = VSOCK_BROKER_NONE,
			   .vm_fd = VSOCK_BROKER_NONE,
			   .own_fds_fd = VSOCK_BROKER_NONE},
		.stdio = {.read_fd = STDIO_STREAM_NONE,
			  .write_fd = STDIO_STREAM_NONE,
			  .loans = {{.fd = STDIO_STREAM_NONE}, {.fd = STDIO_STREAM_NONE}}},
	};
	int error;

	for (unsigned int i = 0; i < CONFIG_DRIVES_MAX; i++)
		opened.drives[i].fd = DRIVE_FILE_NONE;
	for (unsigned int i = 0; i < CONFIG_INTERFACES_MAX; i++)
		opened.uplinks[i].fd = UPLINK_NONE;
	error = open_images(&opened, &config->boot_source, reason);
	if (error) {
		*failure = OUTCOME_BAD_IMAGE;
	} else {
		error = open_host(&opened, config, reason);
		*failure = OUTCOME_HOST_FAILURE;
	}
	if (error) {
		resources_close(&opened);
		return error;
	}
	*resources = opened;
	*failure = OUTCOME_NONE;
	return 0;
}

void resources_warn(const struct resources *resources, const struct vm_config *config)
{
	for (unsigned int i = 0; i < config->drive_count; i++)
		if (resources->drives[i].left_out_bytes)
			log_warning(
				"drives[%u].path_on_host: the last %" PRIu32
				" bytes of %s are no whole block of %" PRIu32 " and are left out",
				i, resources->drives[i].left_out_bytes,
				config->drives[i].path_on_host, resources->drives[i].block_bytes);
	for (unsigned int i = 0; i < config->interface_count; i++)
		uplink_warn(&resources->uplinks[i], config->interfaces, i);
	vsock_socket_warn(&resources->vsock);
}

void resources_hand_over(struct resources *resources)
{
	close_if_open(resources->vsock.fd);
	resources->vsock.fd = VSOCK_SOCKET_NONE;
	vsock_broker_hand_over(&resources->broker);
	stdio_stream_hand_over(&resources->stdio);
}

void resources_release(struct resources *resources, const struct vm_config *config)
{
	for (unsigned int i = 0; i < config->drive_count; i++)
		drive_file_unlock(&resources->drives[i]);
	vsock_socket_remove(&resources->vsock);
	stdio_stream_restore(&resources->stdio);
}
