-- feed: the top-level messages of the channels of spaces, ranked by what people voted.
create table feed_channel (
    id blob primary key not null,
    space blob not null,
    private integer not null,
    history text not null,
    archived integer not null
) without rowid;

create table feed_space (
    id blob primary key not null,
    join_rule text not null,
    archived integer not null
) without rowid;

create table feed_member (
    user blob not null,
    channel blob not null,
    -- Position of the event that brought them in.
    joined integer not null,
    primary key (user, channel)
) without rowid;

create table feed_entry (
    -- Of the event that sent it: the newest entry is the highest.
    position integer primary key not null,
    channel blob not null,
    id blob not null,
    at integer not null,
    up integer not null,
    down integer not null,
    score integer not null,
    hot integer not null,
    comments integer not null,
    deleted integer not null
);

-- For the fold's votes, deletions and comments, which name the message.
create unique index feed_entry_id on feed_entry (id);

create table feed_vote (
    user blob not null,
    entry integer not null,
    -- 1 for up, -1 for down.
    vote integer not null,
    primary key (user, entry)
) without rowid;

-- What is said below entries, so that a deletion knows whose comments are fewer.
create table feed_comment (
    channel blob not null,
    id blob not null,
    entry integer not null,
    deleted integer not null,
    primary key (channel, id)
) without rowid;

-- What an entry was before each of its newest changes: with it the ranking as of an older position can be told.
create table feed_change (
    position integer primary key not null,
    entry integer not null,
    channel blob not null,
    score integer not null,
    hot integer not null,
    deleted integer not null
);

-- The newest change that is not kept any more. One row, whose id is all zeros.
create table feed_horizon (
    id blob primary key not null,
    position integer not null
);

-- What votes are worth, in microseconds: 12.5 hours for each power of ten, with straight lines between the points. A worth is `bonus`
-- and `step` for each vote beyond `votes`.
create view feed_bonus as
with bonus (votes, bonus, step) as (values
    (1, 0, 13546349804),
    (2, 13546349804, 7924106658),
    (3, 21470456462, 5622243147),
    (4, 27092699609, 4360950586),
    (5, 31453650195, 3563156072),
    (6, 35016806267, 3012605533),
    (7, 38029411800, 2609637614),
    (8, 40639049414, 2301863510),
    (9, 42940912924, 2059087076),
    (10, 45000000000, 1354634980),
    (20, 58546349804, 792410665),
    (30, 66470456462, 562224314),
    (40, 72092699609, 436095058),
    (50, 76453650195, 356315607),
    (60, 80016806267, 301260553),
    (70, 83029411800, 260963761),
    (80, 85639049414, 230186351),
    (90, 87940912924, 205908707),
    (100, 90000000000, 135463498),
    (200, 103546349804, 79241066),
    (300, 111470456462, 56222431),
    (400, 117092699609, 43609505),
    (500, 121453650195, 35631560),
    (600, 125016806267, 30126055),
    (700, 128029411800, 26096376),
    (800, 130639049414, 23018635),
    (900, 132940912924, 20590870),
    (1000, 135000000000, 13546349),
    (2000, 148546349804, 7924106),
    (3000, 156470456462, 5622243),
    (4000, 162092699609, 4360950),
    (5000, 166453650195, 3563156),
    (6000, 170016806267, 3012605),
    (7000, 173029411800, 2609637),
    (8000, 175639049414, 2301863),
    (9000, 177940912924, 2059087),
    (10000, 180000000000, 1354634),
    (20000, 193546349804, 792410),
    (30000, 201470456462, 562224),
    (40000, 207092699609, 436095),
    (50000, 211453650195, 356315),
    (60000, 215016806267, 301260),
    (70000, 218029411800, 260963),
    (80000, 220639049414, 230186),
    (90000, 222940912924, 205908),
    (100000, 225000000000, 135463),
    (200000, 238546349804, 79241),
    (300000, 246470456462, 56222),
    (400000, 252092699609, 43609),
    (500000, 256453650195, 35631),
    (600000, 260016806267, 30126),
    (700000, 263029411800, 26096),
    (800000, 265639049414, 23018),
    (900000, 267940912924, 20590),
    (1000000, 270000000000, 13546),
    (2000000, 283546349804, 7924),
    (3000000, 291470456462, 5622),
    (4000000, 297092699609, 4360),
    (5000000, 301453650195, 3563),
    (6000000, 305016806267, 3012),
    (7000000, 308029411800, 2609),
    (8000000, 310639049414, 2301),
    (9000000, 312940912924, 2059),
    (10000000, 315000000000, 0)
)
select votes, bonus, step from bonus;
