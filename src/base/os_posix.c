/* SPDX-License-Identifier: Apache-2.0 */
/* Edge: the real world on POSIX systems. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <signal.h>
#include <spawn.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "base/os.h"

struct os_file {
    int fd;
};

enum { PATH_ROOM = 4096 };

/* The path as a C string; false when it is too long or holds a NUL. */
static bool c_path(char out[PATH_ROOM], str path, struct err *err)
{
    if (path.len >= PATH_ROOM || (path.len && memchr(path.ptr, 0, path.len)))
        return err_set(err, ERR_IO, "the path is too long or holds a NUL byte");
    if (path.len) memcpy(out, path.ptr, path.len);
    out[path.len] = 0;
    return true;
}

static bool refuse(struct err *err, const char *what)
{
    return err_set(err, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, "%s: %s", what, strerror(errno));
}

static bool write_all(int fd, bytes piece)
{
    while (piece.len) {
        ssize_t n = write(fd, piece.ptr, piece.len);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return false;
        piece = (bytes){piece.ptr + n, piece.len - (size_t)n};
    }
    return true;
}

static bool posix_write(void *self, enum os_stream stream, bytes piece)
{
    (void)self;
    return write_all(stream == OS_OUT ? STDOUT_FILENO : STDERR_FILENO, piece);
}

static bool posix_is_terminal(void *self, enum os_stream stream)
{
    (void)self;
    return isatty(stream == OS_OUT ? STDOUT_FILENO : STDERR_FILENO) == 1;
}

static unsigned posix_columns(void *self)
{
    struct winsize size = {0};
    (void)self;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || !size.ws_col) return 80;
    return size.ws_col;
}

static size_t posix_cores(void *self)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    (void)self;
    return cores > 0 ? (size_t)cores : 1;
}

static int64_t posix_now_us(void *self)
{
    struct timespec now = {0};
    (void)self;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static uint64_t posix_monotonic_us(void *self)
{
    struct timespec now = {0};
    (void)self;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static str posix_environment(void *self, str name, struct arena *arena)
{
    (void)self;
    return str_copy(arena, str_of(getenv(str_c(arena, name))));
}

static enum os_kind posix_kind(void *self, str path)
{
    char text[PATH_ROOM];
    struct err err = {0};
    struct stat info;
    (void)self;
    if (!c_path(text, path, &err) || stat(text, &info) != 0) return OS_MISSING;
    if (S_ISREG(info.st_mode)) return OS_FILE;
    return S_ISDIR(info.st_mode) ? OS_DIRECTORY : OS_OTHER;
}

static bool posix_is_link(void *self, str path)
{
    char text[PATH_ROOM];
    struct err err = {0};
    struct stat info;
    (void)self;
    return c_path(text, path, &err) && lstat(text, &info) == 0 && S_ISLNK(info.st_mode);
}

static struct os_file *posix_open(void *self, str path, struct arena *arena, struct err *err)
{
    char text[PATH_ROOM];
    (void)self;
    if (!c_path(text, path, err)) return NULL;
    int fd = str_equal(path, S("-")) ? dup(STDIN_FILENO) : open(text, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        refuse(err, "cannot open");
        return NULL;
    }
    struct os_file *file = arena_new(arena, struct os_file);
    file->fd = fd;
    return file;
}

static bool posix_read(void *self, struct os_file *file, uint8_t *into, size_t room, size_t *n,
                       struct err *err)
{
    (void)self;
    for (;;) {
        ssize_t got = read(file->fd, into, room);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return refuse(err, "cannot read");
        *n = (size_t)got;
        return true;
    }
}

static void posix_close(void *self, struct os_file *file)
{
    (void)self;
    close(file->fd);
}

static int name_order(const void *left, const void *right)
{
    const str *a = left, *b = right;
    return str_compare(*a, *b);
}

static bool posix_list(void *self, str path, struct arena *arena, str **names, size_t *n,
                       struct err *err)
{
    char text[PATH_ROOM];
    (void)self;
    if (!c_path(text, path, err)) return false;
    DIR *directory = opendir(text);
    if (!directory) return refuse(err, "cannot list");
    str *found = NULL;
    size_t count = 0, room = 0;
    for (struct dirent *entry = readdir(directory); entry; entry = readdir(directory)) {
        str name = str_of(entry->d_name);
        if (str_equal(name, S(".")) || str_equal(name, S(".."))) continue;
        arena_grow(arena, found, count, room);
        found[count++] = str_copy(arena, name);
    }
    closedir(directory);
    if (count) qsort(found, count, sizeof *found, name_order);
    *names = found;
    *n = count;
    return true;
}

static bool posix_make_directory(void *self, str path, struct err *err)
{
    char text[PATH_ROOM];
    (void)self;
    if (!c_path(text, path, err)) return false;
    for (size_t i = 1; i <= path.len; i++) {
        if (text[i] != '/' && text[i] != 0) continue;
        char held = text[i];
        text[i] = 0;
        if (mkdir(text, 0777) != 0 && errno != EEXIST) return refuse(err, "cannot make directory");
        text[i] = held;
    }
    if (posix_kind(self, path) != OS_DIRECTORY)
        return err_set(err, ERR_IO, "a file of that name is in the way of the directory");
    return true;
}

static bool replace_file(str path, bytes content, mode_t mode, struct err *err)
{
    char text[PATH_ROOM], beside[PATH_ROOM];
    if (!c_path(text, path, err)) return false;
    int len = snprintf(beside, sizeof beside, "%s.tmp-%ld", text, (long)getpid());
    if (len < 0 || (size_t)len >= sizeof beside)
        return err_set(err, ERR_IO, "the path is too long");

    int fd = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
    if (fd < 0) return refuse(err, "cannot write");
    bool fine = write_all(fd, content) && fsync(fd) == 0;
    if (!fine) refuse(err, "cannot write");
    if (close(fd) != 0 && fine) fine = refuse(err, "cannot write");
    if (fine && rename(beside, text) != 0) fine = refuse(err, "cannot rename");
    if (!fine) unlink(beside);
    return fine;
}

static bool posix_write_file(void *self, str path, bytes content, bool executable, struct err *err)
{
    (void)self;
    return replace_file(path, content, executable ? 0777 : 0666, err);
}

static bool posix_write_private(void *self, str path, bytes content, struct err *err)
{
    (void)self;
    return replace_file(path, content, 0600, err);
}

static str posix_user(void *self, struct arena *arena)
{
    enum { ROOM = 16 << 10 };
    struct passwd entry, *found = NULL;
    char *text = arena_array(arena, char, ROOM);
    uid_t id = geteuid();
    (void)self;
    if (getpwuid_r(id, &entry, text, ROOM, &found) == 0 && found && found->pw_name[0])
        return str_copy(arena, str_of(found->pw_name));
    return str_format(arena, "uid:%lu", (unsigned long)id);
}

static str posix_machine(void *self, struct arena *arena)
{
    struct utsname names;
    (void)self;
    return uname(&names) == 0 ? str_copy(arena, str_of(names.nodename)) : (str){0};
}

/* One line; what is behind it waits for the next reader. */
static bool read_line(int fd, struct arena *arena, str *out)
{
    struct buf line = buf_in(arena);
    for (;;) {
        char c = 0;
        ssize_t n = read(fd, &c, 1);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return false;
        if (n == 0 || c == '\n') break;
        buf_char(&line, c);
    }
    *out = buf_text(&line);
    return true;
}

static bool posix_ask_secret(void *self, str prompt, struct arena *arena, str *out, struct err *err)
{
    struct termios shown, hidden;
    (void)self;
    int fd = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (fd < 0 || tcgetattr(fd, &shown) != 0) {
        if (fd >= 0) close(fd);
        return err_set(err, ERR_IO, "there is no terminal to ask on");
    }
    hidden = shown;
    hidden.c_lflag &= ~(tcflag_t)ECHO;
    bool fine = tcsetattr(fd, TCSAFLUSH, &hidden) == 0 && write_all(fd, str_bytes(prompt)) &&
                read_line(fd, arena, out);
    (void)tcsetattr(fd, TCSAFLUSH, &shown);
    (void)write_all(fd, str_bytes(S("\n")));
    close(fd);
    return fine || refuse(err, "cannot ask on the terminal");
}

/* Waits for a child; ends it when the time is over. */
static bool wait_for(pid_t child, unsigned most_ms, int *status)
{
    enum { STEP_US = 20000 };
    static const struct timespec step = {.tv_nsec = STEP_US * 1000L};
    for (uint64_t waited_us = 0;; waited_us += STEP_US) {
        bool over = waited_us / 1000 >= most_ms;
        if (over) kill(child, SIGKILL);
        pid_t ended = waitpid(child, status, over ? 0 : WNOHANG);
        if (ended == child) return true;
        if (ended < 0 && errno != EINTR) return false;
        nanosleep(&step, NULL);
    }
}

extern char **environ;

static bool posix_run_program(void *self, const str *words, size_t n, unsigned most_ms, int *status,
                              struct err *err)
{
    struct arena arena = arena_open("program", 1 << 20, NULL);
    posix_spawn_file_actions_t files;
    pid_t child = 0;
    int ended = 0;
    char **arguments = arena_array(&arena, char *, n + 1);
    (void)self;
    for (size_t i = 0; i < n; i++) {
        arguments[i] = arena_array(&arena, char, words[i].len + 1);
        if (words[i].len) memcpy(arguments[i], words[i].ptr, words[i].len);
    }
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_addopen(&files, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    errno = posix_spawnp(&child, arguments[0], &files, NULL, arguments, environ);
    bool fine = errno == 0 || refuse(err, "cannot run the program");
    posix_spawn_file_actions_destroy(&files);
    if (fine && !wait_for(child, most_ms, &ended)) fine = refuse(err, "cannot wait for a program");
    arena_close(&arena);
    *status = WIFEXITED(ended) ? WEXITSTATUS(ended) : 128 + WTERMSIG(ended);
    return fine;
}

static bool posix_remove(void *self, str path, struct err *err)
{
    char text[PATH_ROOM];
    (void)self;
    if (!c_path(text, path, err)) return false;
    if (unlink(text) != 0 && (errno != EISDIR || rmdir(text) != 0))
        return refuse(err, "cannot remove");
    return true;
}

static bool posix_is_network(void *self, str path)
{
    /* statfs(2) magic numbers of network file systems: NFS, SMB, SMB2, CIFS, 9P, CEPH, AFS, FUSE is
     * not one of them: most FUSE mounts are local. */
    static const uint32_t magics[] = {0x6969,     0x517B,     0xFE534D42, 0xFF534D42,
                                      0x01021997, 0x00C36400, 0x5346414F};
    char text[PATH_ROOM];
    struct err err = {0};
    struct statfs info;
    (void)self;
    if (!c_path(text, path, &err) || statfs(text, &info) != 0) return false;
    for (size_t i = 0; i < COUNT_OF(magics); i++)
        if ((uint32_t)info.f_type == magics[i]) return true;
    return false;
}

struct os os_posix(void)
{
    return (struct os){
        .write = posix_write,
        .is_terminal = posix_is_terminal,
        .columns = posix_columns,
        .cores = posix_cores,
        .now_us = posix_now_us,
        .monotonic_us = posix_monotonic_us,
        .environment = posix_environment,
        .kind = posix_kind,
        .is_link = posix_is_link,
        .open = posix_open,
        .read = posix_read,
        .close = posix_close,
        .list = posix_list,
        .make_directory = posix_make_directory,
        .write_file = posix_write_file,
        .remove = posix_remove,
        .write_private = posix_write_private,
        .user = posix_user,
        .machine = posix_machine,
        .ask_secret = posix_ask_secret,
        .run_program = posix_run_program,
        .is_network = posix_is_network,
    };
}
