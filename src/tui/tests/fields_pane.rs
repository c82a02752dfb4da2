//! The fields of records.

use super::*;

#[test]
fn fields_are_listed() {
    let mut shown = Shown::new(80, 24);
    shown.press("i j j");
    shown.check("fields");
    shown.press("Right Right Right Left Right");
    shown.check("fields-to-the-right");
    shown.take([Event::Size(120, 40)]);
    shown.check("fields-120x40");
    shown.take([Event::Size(40, 12)]);
    shown.check("fields-40x12");
    shown.press("/");
    shown.enter("USER");
    assert!(shown.lines().contains("no path has that; Esc shows all fields"));
    shown.press("Esc /");
    shown.enter("user");
    shown.check("fields-narrowed-40x12");
    shown.press("Esc Esc");
    assert!(shown.state.fields.is_none());
}

#[test]
fn a_field_is_charted_and_filtered() {
    let mut shown = Shown::new(80, 24);
    shown.press("i / h o s t Enter Enter");
    assert_eq!(shown.state.prompt.as_ref().unwrap().text(), ".host");
    shown.press("Enter");
    assert_eq!(shown.state.chart.as_ref().unwrap().title, ".host");
    shown.press("q");
    assert!(shown.state.chart.is_none() && shown.state.fields.is_some());
    shown.press("&");
    assert_eq!(shown.state.prompt.as_ref().unwrap().text(), ".host == \"web0\"");
    shown.press("Enter");
    assert_eq!((shown.kept.len(), shown.state.fields.is_none()), (334, true));
    // What comes late is of no interest any more.
    let survey = shown.survey();
    shown.take([Event::Data(Data::Fields(Box::new(survey)))]);
    assert!(shown.state.fields.is_none());
}
