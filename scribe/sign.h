/* sign - the Ed25519 signatures of checkpoints; the only file here that knows how keys are kept (PEM).
 *
 * What is signed is a fixed prefix and the bytes of the line before `,"sig"`: the prefix keeps a signature of a log
 * line from being taken for one of anything else that the same key signs.
 */
#ifndef SCRIBE_SIGN_H
#define SCRIBE_SIGN_H

#include "err.h"
#include <stdbool.h>
#include <stddef.h>

#define SIGNATURE_TEXT 88 /* base64 of 64 bytes */

struct key;

/* A private key (needed to sign) or, when only verifying, a public one. */
int key_open(const char *path, bool must_sign, struct key **ret, struct err *err);
void key_close(struct key *k);
int key_sign(const struct key *k, const char *bytes, size_t n, char ret[SIGNATURE_TEXT + 1]);
bool key_verify(const struct key *k, const char *bytes, size_t n, const char *signature, size_t len);

#endif
