#include "sign.h"
#include "buf.h"

#include <errno.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct key {
    EVP_PKEY *pkey;
};

static const char prefix[] = "sentinel-watch audit line\n";

/* A key that asks for a pass phrase cannot be used here: nobody is there to type it. */
static int no_passphrase(char *text, int size, int rwflag, void *arg)
{
    return -1;
}

int key_open(const char *path, bool must_sign, struct key **ret, struct err *err)
{
    FILE *f = fopen(path, "re");
    if (!f)
        return err_set(err, errno, "the audit key %s", path);
    EVP_PKEY *pkey = PEM_read_PrivateKey(f, NULL, no_passphrase, NULL);
    if (!pkey && !must_sign) {
        rewind(f);
        pkey = PEM_read_PUBKEY(f, NULL, no_passphrase, NULL);
    }
    fclose(f);
    if (!pkey || EVP_PKEY_base_id(pkey) != EVP_PKEY_ED25519) {
        EVP_PKEY_free(pkey);
        return err_set(err, 0,
                       "the audit key %s is not %s Ed25519 key in PEM form without a pass phrase (openssl genpkey "
                       "-algorithm ed25519)",
                       path, must_sign ? "a private" : "an");
    }
    struct key *k = xcalloc(1, sizeof *k);
    k->pkey = pkey;
    *ret = k;
    return 0;
}

void key_close(struct key *k)
{
    if (!k)
        return;
    EVP_PKEY_free(k->pkey);
    free(k);
}

static void message(struct buf *b, const char *bytes, size_t n)
{
    buf_put(b, prefix, sizeof prefix - 1);
    buf_put(b, bytes, n);
}

int key_sign(const struct key *k, const char *bytes, size_t n, char ret[SIGNATURE_TEXT + 1])
{
    BUF_AUTO m = {0};
    message(&m, bytes, n);
    unsigned char raw[64];
    size_t len = sizeof raw;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool ok = ctx && EVP_DigestSignInit(ctx, NULL, NULL, NULL, k->pkey) == 1 &&
              EVP_DigestSign(ctx, raw, &len, (unsigned char *)m.data, m.len) == 1 && len == sizeof raw;
    EVP_MD_CTX_free(ctx);
    if (!ok)
        return -1;
    EVP_EncodeBlock((unsigned char *)ret, raw, (int)len);
    return 0;
}

bool key_verify(const struct key *k, const char *bytes, size_t n, const char *signature, size_t len)
{
    unsigned char raw[SIGNATURE_TEXT];
    if (len != SIGNATURE_TEXT || EVP_DecodeBlock(raw, (const unsigned char *)signature, (int)len) < 64)
        return false;
    BUF_AUTO m = {0};
    message(&m, bytes, n);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool ok = ctx && EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, k->pkey) == 1 &&
              EVP_DigestVerify(ctx, raw, 64, (unsigned char *)m.data, m.len) == 1;
    EVP_MD_CTX_free(ctx);
    return ok;
}
