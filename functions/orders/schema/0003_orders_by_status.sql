-- A user's orders of one status, a page at a time: without it, all of the user's orders are looked at for each page.
CREATE INDEX orders_by_status ON orders (user_id, status, id);
