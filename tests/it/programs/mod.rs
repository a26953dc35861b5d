mod commission_note;
