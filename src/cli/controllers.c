/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/controllers.h"

static bool is_controller(const struct host_view *host)
{
    for (size_t i = 0; i < host->n_roles; i++)
        if (host->roles[i].role == HOST_ROLE_DOMAIN_CONTROLLER) return true;
    return false;
}

static int address_order(const void *left, const void *right)
{
    const struct check_controller *a = left, *b = right;
    int order = addr_compare(a->addr, b->addr);
    return order ? order : str_compare(a->name, b->name);
}

/* An address that went to another host since is no controller's any more. */
static bool still_holds(const struct host_list *hosts, const struct host *host,
                        const struct host_interval *interval, int64_t as_of_us)
{
    return !interval->ambiguous && interval->from_us <= as_of_us &&
           hosts_at(hosts, interval->addr, as_of_us) == host;
}

void controllers_among(struct invocation *call, const struct host_list *hosts,
                       const struct hosts_view *view, const struct check_controller **out,
                       size_t *n)
{
    struct check_controller *found = NULL;
    size_t n_found = 0, room = 0;
    for (size_t i = 0; i < view->n; i++) {
        const struct host *host = view->hosts[i].host;
        for (size_t j = 0; is_controller(&view->hosts[i]) && j < host->n_intervals; j++) {
            if (!still_holds(hosts, host, &host->intervals[j], call->as_of_us)) continue;
            arena_grow(call->arena, found, n_found, room);
            found[n_found++] = (struct check_controller){host->name, host->intervals[j].addr};
        }
    }
    if (n_found) qsort(found, n_found, sizeof *found, address_order);
    *n = 0;
    for (size_t i = 0; i < n_found; i++)
        if (!*n || !addr_equal(found[*n - 1].addr, found[i].addr)) found[(*n)++] = found[i];
    *out = found;
}

bool controllers_known(struct invocation *call, struct workspace *workspace,
                       const struct check_controller **out, size_t *n, struct err *err)
{
    struct matrix_view matrix = {0};
    struct share_use *uses = NULL;
    size_t n_uses = 0, n_shares = 0;
    (void)workspace_lookup(call, workspace); /* loads the hosts */
    const struct host_list *hosts = &workspace->hosts;
    if (!store_load_matrix(workspace->store, call->arena, &matrix, err)) return false;
    if (!store_load_uses(workspace->store, call->arena, &uses, &n_uses, err)) return false;
    const struct share_view *shares = roles_shares(call->arena, uses, n_uses, hosts, &n_shares);
    struct hosts_view view = roles_of(call->arena, hosts, &matrix, shares, n_shares);
    controllers_among(call, hosts, &view, out, n);
    return true;
}
