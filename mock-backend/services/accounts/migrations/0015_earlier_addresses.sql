-- Addresses that accounts had: mails to them are erased with the account.
CREATE TABLE earlier_addresses (
    account_id TEXT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    email      TEXT NOT NULL,
    PRIMARY KEY (account_id, email)
);
