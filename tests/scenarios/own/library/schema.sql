create table book (id bigint primary key, title text not null, shelf text not null);
create table loan (id bigint generated always as identity primary key, book_id bigint not null, reader_id bigint not null);
insert into book select n, 'book ' || n, 'shelf ' || n % 300 from generate_series(1, {book}) n;
