/*
 * A milter that does nothing: it answers every event, or takes the end of a message only, which is what a milter
 * costs Postfix at least.
 *
 *     noop_milter unix:/path [end]
 *
 * The socket may be used by everybody.  Runs in the foreground until SIGTERM.  Source: libmilter's API.
 */

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <libmilter/mfapi.h>

static sfsistat on_connect(SMFICTX *context, char *host, _SOCK_ADDR *address)
{
    (void) context, (void) host, (void) address;
    return SMFIS_CONTINUE;
}

static sfsistat on_text(SMFICTX *context, char *text)
{
    (void) context, (void) text;
    return SMFIS_CONTINUE;
}

static sfsistat on_words(SMFICTX *context, char **words)
{
    (void) context, (void) words;
    return SMFIS_CONTINUE;
}

static sfsistat on_header(SMFICTX *context, char *name, char *value)
{
    (void) context, (void) name, (void) value;
    return SMFIS_CONTINUE;
}

static sfsistat on_body(SMFICTX *context, unsigned char *octets, size_t length)
{
    (void) context, (void) octets, (void) length;
    return SMFIS_CONTINUE;
}

static sfsistat on_event(SMFICTX *context)
{
    (void) context;
    return SMFIS_CONTINUE;
}

static sfsistat on_unknown(SMFICTX *context, const char *command)
{
    (void) context, (void) command;
    return SMFIS_CONTINUE;
}

static sfsistat on_negotiate(SMFICTX *context, unsigned long actions, unsigned long steps, unsigned long more,
                             unsigned long even_more, unsigned long *our_actions, unsigned long *our_steps,
                             unsigned long *our_more, unsigned long *our_even_more)
{
    (void) context, (void) actions, (void) more, (void) even_more;
    *our_actions = 0;
    *our_steps = steps & (SMFIP_NOCONNECT | SMFIP_NOHELO | SMFIP_NOMAIL | SMFIP_NORCPT | SMFIP_NOBODY
                          | SMFIP_NOHDRS | SMFIP_NOEOH | SMFIP_NOUNKNOWN | SMFIP_NODATA);
    *our_more = *our_even_more = 0;
    return SMFIS_CONTINUE;
}

int main(int count, char **arguments)
{
    struct smfiDesc description = {
        .xxfi_name = "noop",
        .xxfi_version = SMFI_VERSION,
        .xxfi_flags = SMFIF_NONE,
        .xxfi_connect = on_connect,
        .xxfi_helo = on_text,
        .xxfi_envfrom = on_words,
        .xxfi_envrcpt = on_words,
        .xxfi_header = on_header,
        .xxfi_eoh = on_event,
        .xxfi_body = on_body,
        .xxfi_eom = on_event,
        .xxfi_abort = on_event,
        .xxfi_close = on_event,
        .xxfi_unknown = on_unknown,
        .xxfi_data = on_event,
    };

    if (count < 2 || count > 3 || (count == 3 && strcmp(arguments[2], "end") != 0)) {
        fprintf(stderr, "usage: %s unix:/path [end]\n", arguments[0]);
        return 2;
    }
    if (count == 3)
        description.xxfi_negotiate = on_negotiate;
    umask(0);
    if (smfi_setconn(arguments[1]) == MI_FAILURE || smfi_register(description) == MI_FAILURE) {
        fprintf(stderr, "%s: cannot listen on %s\n", arguments[0], arguments[1]);
        return 1;
    }
    return smfi_main() == MI_SUCCESS ? 0 : 1;
}
